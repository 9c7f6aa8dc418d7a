"""A command as it is stored, and whether it may run."""

import hmac
from dataclasses import dataclass, field

from proxy_core.base.errors import VaultError
from proxy_core.domain.commands import Command, command_of, digest
from proxy_core.seal import Sealer, aad
from proxy_core.store import commands as store
from proxy_core.store.tables import CommandCredential


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """`executable` is the program's file as approved; `approval` the sealed digest."""

    vault_id: str
    credential_id: str
    command: Command
    executable: str
    approval: bytes | None = field(repr=False)
    approved_by: str = ""
    approved_at: float | None = None

    @property
    def digest(self) -> str:
        """Of what would be run."""
        return digest(self.command, self.executable)

    def approved(self, sealer: Sealer) -> bool:
        """Whether exactly this was approved here. Raises VaultError: sealed."""
        if self.approval is None:
            return False
        place = approval_aad(self.vault_id, self.credential_id)
        try:
            found = sealer.unseal(self.approval, place)
        except VaultError as error:
            if error.code != "credential_unreadable":
                raise
            return False
        return hmac.compare_digest(found, self.digest.encode())


def stored_command(row: CommandCredential) -> StoredCommand:
    """The row, ready to be run."""
    return StoredCommand(
        vault_id=row.vault_id,
        credential_id=row.credential_id,
        command=command_of(row.document),
        executable=row.executable,
        approval=row.sealed_approval,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
    )


def approval_aad(vault_id: str, credential_id: str) -> bytes:
    """The place of an approval."""
    return aad(vault_id, store.TABLE, credential_id, store.APPROVAL)


def value_aad(vault_id: str, credential_id: str) -> bytes:
    """The place of a value, which is in memory only."""
    return aad(vault_id, store.TABLE, credential_id, "value")
