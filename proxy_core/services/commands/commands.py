"""Credentials of type `command`: set, approve, test, show.

Setting one runs nothing. Whoever approves names the digest of what was looked at, so that nothing
else is approved than that.
"""

import asyncio
import hmac
import os
from dataclasses import replace

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.commands import Command, check_command, digest
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.names import check_credential_key
from proxy_core.external.executable import ExecutableError, resolve
from proxy_core.services.commands.stored import StoredCommand, approval_aad, stored_command
from proxy_core.services.commands.values import CommandValues
from proxy_core.services.context import Context
from proxy_core.services.keys import count_encryptions
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed, VaultEntry
from proxy_core.store import commands as store
from proxy_core.store.tables import CommandCredential


class Commands:
    """Every method raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context, values: CommandValues) -> None:
        self._context = context
        self._values = values

    async def set(self, key: str, request: wire.SetCommand, by: Principal) -> wire.CommandInfo:
        """Create or replace a command; nothing runs before it is approved.

        Raises VaultError: bad_request, conflict (a credential of another type), sealed.
        """
        check_credential_key(key)
        command = check_command(_command(request))
        entry = self._context.vault(request.vault)
        self._check_open()
        now = self._context.clock.time()

        def work(session: Session) -> CommandCredential:
            return store.set_command(
                session, entry.id, key, command.document(), new_id=new_id(), now=now
            )

        def then(row: CommandCredential) -> None:
            self._put(key, row)
            self._publish(EventType.CREDENTIAL_CHANGED, entry.id, key, by)

        await self._context.change(work, then)
        return await self.show(request.vault, key)

    async def show(self, vault: str, key: str) -> wire.CommandInfo:
        """What would run, and the digest to approve. Raises VaultError: not_found."""
        entry, stored = self._find(vault, key)
        executable, problem = await _resolved(stored.command)
        command, kept = stored.command, self._values.known(stored)
        return wire.CommandInfo(
            key=key,
            vault=entry.name,
            argv=list(command.argv),
            executable=executable,
            digest=digest(command, executable) if executable else "",
            problem=problem,
            state=state_of(self._context, self._values, stored),
            ttl_seconds=command.ttl,
            timeout_seconds=command.timeout,
            json_path=command.json_path,
            keep_newline=command.keep_newline,
            env=list(command.env),
            approved_by=stored.approved_by,
            approved_at=_time(stored.approved_at),
            last_run_at=_time(kept.last_run_at if kept else None),
            last_error=kept.told if kept else "",
        )

    async def approve(
        self, key: str, request: wire.ApproveCommand, by: Principal
    ) -> wire.CommandInfo:
        """Let exactly what has this digest run.

        Raises VaultError: not_found, bad_request (the program can't be run safely), conflict (it
        is not what was looked at), sealed.
        """
        entry, stored = self._find(request.vault, key)
        self._check_open()
        executable, problem = await _resolved(stored.command)
        if problem:
            raise VaultError("bad_request", problem)
        found = digest(stored.command, executable)
        if not hmac.compare_digest(found.encode(), request.digest.encode()):
            raise VaultError("conflict", "The command was changed meanwhile: look at it again.")
        sealer, now = self._context.sealer, self._context.clock.time()
        place = approval_aad(entry.id, stored.credential_id)

        def work(session: Session) -> CommandCredential:
            sealed = sealer.seal(found.encode(), place)
            count_encryptions(session, sealer)
            document = stored.command.document()
            return store.approve_command(
                session,
                stored.credential_id,
                document,
                executable,
                sealed,
                by=by.label,
                now=now,
            )

        def then(row: CommandCredential) -> None:
            self._put(key, row)
            self._publish(EventType.CREDENTIAL_APPROVED, entry.id, key, by)

        await self._context.change(work, then)
        return await self.show(request.vault, key)

    async def test(self, key: str, vault: str) -> wire.CommandTried:
        """Run it now; its value is kept as by any run. Raises VaultError: not_found, sealed."""
        entry, stored = self._find(vault, key)
        self._check_open()
        began = self._context.clock.monotonic()
        error = ""
        try:
            await self._values.again(entry.id, key, stored)
        except VaultError as failure:
            if failure.code != "command_failed":
                raise
            kept = self._values.known(stored)
            error = kept.told if kept and kept.last_error else failure.detail
        took = self._context.clock.monotonic() - began
        return wire.CommandTried(key=key, ok=not error, error=error, seconds=round(took, 3))

    def _find(self, vault: str, key: str) -> tuple[VaultEntry, StoredCommand]:
        entry = self._context.vault(vault)
        borrowed = entry.borrowed.get(key)
        if borrowed is None or borrowed.command is None:
            raise VaultError("not_found", "The vault has no command of this name.")
        return entry, borrowed.command

    def _put(self, key: str, row: CommandCredential) -> None:
        entry = self._context.snapshot.by_id[row.vault_id]
        borrowed = Borrowed(BorrowedKind.COMMAND, row.credential_id, stored_command(row))
        changed = replace(entry, borrowed={**entry.borrowed, key: borrowed})
        self._context.snapshot = self._context.snapshot.with_vault(changed)

    def _publish(self, type: EventType, vault_id: str, key: str, by: Principal) -> None:
        name = self._context.snapshot.by_id[vault_id].name
        self._context.publish(type, by, vault=name, name=key, kind="command")

    def _check_open(self) -> None:
        if self._context.sealer.sealed:
            raise VaultError("sealed")


def add_command(
    info: wire.CredentialInfo, context: Context, values: CommandValues, stored: StoredCommand
) -> None:
    """Add what a list shows of a command."""
    kept = values.known(stored)
    info.state = state_of(context, values, stored)
    info.command = list(stored.command.argv)
    info.last_error = kept.last_error if kept else ""
    info.last_refresh_at = _time(kept.last_run_at if kept else None)


def state_of(context: Context, values: CommandValues, stored: StoredCommand) -> str:
    """`unapproved`, `ok`, or `failing`: its last run gave no value."""
    sealer = context.sealer
    approved = stored.approval is not None if sealer.sealed else stored.approved(sealer)
    if not approved:
        return "unapproved"
    kept = values.known(stored)
    return "failing" if kept is not None and kept.last_error else "ok"


async def _resolved(command: Command) -> tuple[str, str]:
    """The program's file, or else why it can't be run."""
    try:
        path = await asyncio.to_thread(resolve, command.argv[0], os.environ.get("PATH", ""))
    except ExecutableError as error:
        return "", str(error)
    return path, ""


def _command(request: wire.SetCommand) -> Command:
    return Command(
        argv=tuple(request.argv),
        ttl=request.ttl_seconds,
        timeout=request.timeout_seconds,
        json_path=request.json_path,
        keep_newline=request.keep_newline,
        env=tuple(sorted(set(request.env))),
    )


def _time(moment: float | None) -> str:
    return "" if moment is None else rfc3339(moment)
