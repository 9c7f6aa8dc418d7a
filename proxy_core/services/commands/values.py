"""What commands have printed, kept in memory for their time to live.

    value()      what is kept; waits for a run only where nothing is
    refresh()    in a background task, when a tenth to a fifth of the time is left and it was used

A command runs once at a time, whoever asks. What it printed is as sealed as what is stored; it is
dropped when the vault is sealed, when the command changes, and when its time is over. A failure is
remembered for a moment, longer and longer, so that requests do not start a program each.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.services.commands.running import CommandError, value_from
from proxy_core.services.commands.stored import StoredCommand, value_aad
from proxy_core.services.context import Context
from proxy_core.services.snapshot import SealedSecret

AHEAD: Final = 0.8
"""Share of a value's time after which it is got anew, if it was used."""
AT_ONCE: Final = 4
"""Programs that run at the same time."""
_LONGEST_PAUSE: Final = 60.0

Run = Callable[[StoredCommand], Awaitable[bytes]]


@dataclass(slots=True)
class Kept:
    """A command's last value, if it still counts, and how its runs went. Times are monotonic."""

    vault_id: str
    key: str
    digest: str
    sealed: SealedSecret | None = field(default=None, repr=False)
    obtained_at: float = 0.0
    used: bool = False
    generation: int = 0
    failures: int = 0
    retry_at: float = 0.0
    last_error: str = ""
    said: str = ""
    """What the program wrote to standard error then, redacted: for operators and members."""
    last_run_at: float | None = None
    """Epoch seconds."""
    running: "asyncio.Task[None] | None" = None

    @property
    def told(self) -> str:
        """The last error as an operator is told it."""
        return f"{self.last_error} It said: {self.said}" if self.said else self.last_error


class CommandValues:
    """Belongs to the worker's loop. `run` carries out a command."""

    def __init__(self, context: Context, run: Run = value_from) -> None:
        self._context = context
        self._run = run
        self._kept: dict[str, Kept] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def known(self, stored: StoredCommand) -> Kept | None:
        """How the runs of this very command went."""
        kept = self._kept.get(stored.credential_id)
        return kept if kept is not None and kept.digest == stored.digest else None

    async def value(self, vault_id: str, key: str, stored: StoredCommand) -> Kept:
        """With a value that counts. Raises VaultError: command_failed, sealed."""
        kept = self._of(vault_id, key, stored)
        kept.used = True
        if kept.sealed is None or self._age(kept) >= stored.command.ttl:
            kept.sealed = None
            await self._wait(kept, stored)
        elif self._is_due(kept, stored):
            self._start(kept, stored)
        return kept

    async def again(self, vault_id: str, key: str, stored: StoredCommand) -> Kept:
        """Run it now, whatever is kept. Raises VaultError: command_failed, sealed."""
        kept = self._of(vault_id, key, stored)
        kept.retry_at = 0.0
        await self._wait(kept, stored)
        return kept

    async def tick(self) -> None:
        """Get anew what was used and ends soon; forget what ended, or whose command is gone."""
        for credential_id, kept in list(self._kept.items()):
            stored = self._present(kept, credential_id)
            if stored is None:
                self._drop(credential_id)
            elif kept.sealed is not None and self._age(kept) >= stored.command.ttl:
                kept.sealed = None
            elif kept.sealed is not None and kept.used and self._is_due(kept, stored):
                self._start(kept, stored)

    def forget(self) -> None:
        """The vault was sealed: keep nothing, end what runs."""
        for credential_id in list(self._kept):
            self._drop(credential_id)

    def reseal(self) -> None:
        """The key was rotated: keep what is kept under the new one, while the old one reads it."""
        sealer = self._context.sealer
        for kept in self._kept.values():
            if (old := kept.sealed) is not None:
                sealed = sealer.seal(sealer.unseal(old.blob, old.aad), old.aad)
                kept.sealed = SealedSecret(sealed, old.aad, old.version)

    async def close(self) -> None:
        """End what runs, and wait for it."""
        running = [kept.running for kept in self._kept.values() if kept.running is not None]
        self.forget()
        await asyncio.gather(*running, return_exceptions=True)

    # --- one command ----------------------------------------------------------------------------

    def _of(self, vault_id: str, key: str, stored: StoredCommand) -> Kept:
        if not stored.approved(self._context.sealer):
            raise VaultError("command_failed", "Nobody has approved the command as it is now.")
        kept = self.known(stored)
        if kept is None:
            self._drop(stored.credential_id)
            kept = self._kept[stored.credential_id] = Kept(vault_id, key, stored.digest)
        return kept

    def _present(self, kept: Kept, credential_id: str) -> StoredCommand | None:
        entry = self._context.snapshot.by_id.get(kept.vault_id)
        found = entry.borrowed.get(kept.key) if entry else None
        if found is None or found.kind is not BorrowedKind.COMMAND or found.command is None:
            return None
        same = found.credential_id == credential_id and found.command.digest == kept.digest
        return found.command if same else None

    def _age(self, kept: Kept) -> float:
        return self._context.clock.monotonic() - kept.obtained_at

    def _is_due(self, kept: Kept, stored: StoredCommand) -> bool:
        now = self._context.clock.monotonic()
        return self._age(kept) >= AHEAD * stored.command.ttl and now >= kept.retry_at

    def _drop(self, credential_id: str) -> None:
        kept = self._kept.pop(credential_id, None)
        if kept is None:
            return
        kept.sealed = None
        if kept.running is not None:
            kept.running.cancel()

    async def _wait(self, kept: Kept, stored: StoredCommand) -> None:
        if self._context.clock.monotonic() >= kept.retry_at:
            self._start(kept, stored)
            assert kept.running is not None
            # The run belongs to everybody: one who leaves does not end it.
            await asyncio.wait([kept.running])
        if kept.last_error or kept.sealed is None:
            raise VaultError("command_failed", kept.last_error or "The command was ended.")

    def _start(self, kept: Kept, stored: StoredCommand) -> None:
        if kept.running is None:
            kept.running = asyncio.create_task(self._carry_out(kept, stored))

    async def _carry_out(self, kept: Kept, stored: StoredCommand) -> None:
        try:
            async with self._slots:
                value = await self._run(stored)
            self._keep(kept, stored, value)
        except CommandError as error:
            self._failed(kept, error)
        except VaultError as error:  # sealed meanwhile
            kept.last_error, kept.said = str(error), ""
        finally:
            kept.running = None
            kept.last_run_at = self._context.clock.time()

    def _keep(self, kept: Kept, stored: StoredCommand, value: bytes) -> None:
        sealer = self._context.sealer
        # The same object for the same value: what responses are scrubbed with hangs on it.
        if kept.sealed is None or sealer.unseal(kept.sealed.blob, kept.sealed.aad) != value:
            kept.generation += 1
            place = value_aad(stored.vault_id, stored.credential_id)
            kept.sealed = SealedSecret(sealer.seal(value, place), place, kept.generation)
        kept.obtained_at, kept.used = self._context.clock.monotonic(), False
        if kept.failures:
            self._tell(EventType.CREDENTIAL_CHANGED, kept, change="recovered")
        kept.failures, kept.retry_at = 0, 0.0
        kept.last_error = kept.said = ""

    def _failed(self, kept: Kept, error: CommandError) -> None:
        kept.failures += 1
        pause = min(2.0 ** (kept.failures - 1), _LONGEST_PAUSE)
        kept.retry_at = self._context.clock.monotonic() + pause
        kept.last_error, kept.said = str(error), error.said
        if kept.failures == 1:
            self._tell(EventType.CREDENTIAL_FAILED, kept, error=kept.last_error)

    def _tell(self, type: EventType, kept: Kept, **data: str) -> None:
        """Nobody did it, so it does not keep the vault from sealing itself."""
        entry = self._context.snapshot.by_id.get(kept.vault_id)
        facts = {"vault": entry.name if entry else "", "name": kept.key, "kind": "command"}
        self._context.bus.publish(type.value, {**facts, **data, "by": "worker"})
