"""Managed settings of Claude Code: one document a vault, which its signed-in devices are given."""

import uuid
from collections.abc import Mapping
from typing import Any

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal
from proxy_core.store import devices as store
from proxy_core.store import tables


class ManagedSettings:
    """Every method raises VaultError: vault_not_found."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self, vault: str) -> wire.ClaudeSettings:
        """Raises VaultError: not_found, when the vault has none."""
        row = await self.of_vault(self._context.vault(vault).id)
        if row is None:
            raise VaultError("not_found", "The vault has no managed settings.")
        return _described(vault, row)

    async def put(
        self, vault: str, settings: Mapping[str, Any], by: Principal
    ) -> wire.ClaudeSettings:
        """Devices ask about once an hour. Raises VaultError: bad_request."""
        values = tables.ClaudeSettings(
            vault_id=self._context.vault(vault).id,
            uuid=str(uuid.uuid4()),
            settings=protocol.check_settings(settings),
            updated_at=self._context.clock.time(),
        ).model_dump()
        row = await self._context.change(
            lambda session: store.put_settings(session, tables.ClaudeSettings(**values)),
            lambda _: self._announce(vault, by, "managed settings"),
        )
        return _described(vault, row)

    async def clear(self, vault: str, by: Principal) -> wire.Deleted:
        """Raises VaultError: not_found."""
        vault_id = self._context.vault(vault).id
        await self._context.change(
            lambda session: store.delete_settings(session, vault_id),
            lambda _: self._announce(vault, by, "no managed settings"),
        )
        return wire.Deleted(name=vault)

    async def of_vault(self, vault_id: str) -> tables.ClaudeSettings | None:
        """As they are stored."""
        return await self._context.database.read(
            lambda session: store.find_settings(session, vault_id)
        )

    def _announce(self, vault: str, by: Principal, change: str) -> None:
        self._context.publish(EventType.VAULT_CHANGED, by, vault=vault, name=vault, change=change)


def _described(vault: str, row: tables.ClaudeSettings) -> wire.ClaudeSettings:
    return wire.ClaudeSettings(
        vault=vault,
        uuid=row.uuid,
        checksum=protocol.checksum(row.settings),
        updated_at=rfc3339(row.updated_at),
        settings=row.settings,
    )
