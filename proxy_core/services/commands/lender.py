"""Lends what commands have printed; a 401 has a command run again, if that gives another value."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    BorrowedKind,
    Decision,
    Loan,
    RequestDetails,
    ResponseFacts,
    Tried,
)
from proxy_core.services.commands.stored import StoredCommand
from proxy_core.services.commands.values import CommandValues
from proxy_core.services.context import Context
from proxy_core.services.lending import UNAUTHORIZED, Lent
from proxy_core.services.snapshot import Borrowed, VaultEntry

FRESH_SECONDS: Final = 30.0
"""A value that is younger is not doubted: agents could start a program with each request."""


class CommandLender:
    """Implements `lending.Lender`."""

    def __init__(self, context: Context, values: CommandValues) -> None:
        self._context = context
        self._values = values

    async def lend(
        self,
        entry: VaultEntry,
        key: str,
        borrowed: Borrowed,
        decision: Decision,  # noqa: ARG002 - there is one value to choose from
        request: RequestDetails,  # noqa: ARG002
    ) -> Lent:
        """The command's value. Raises VaultError: command_failed, sealed."""
        if borrowed.command is None:
            raise VaultError("command_failed", f"The command of credential {key} was deleted.")
        try:
            kept = await self._values.value(entry.id, key, borrowed.command)
        except VaultError as error:
            raise self._with_remedy(error, entry, key, borrowed.command) from None
        if kept.sealed is None:  # it was sealed, or changed, while this request waited
            raise VaultError("sealed")
        sealer = self._context.sealer
        value = sealer.unseal(kept.sealed.blob, kept.sealed.aad)
        credential_id = borrowed.credential_id
        loan = Loan(entry.id, key, credential_id, kept.generation, kind=BorrowedKind.COMMAND)
        return Lent(value, kept.sealed, loan)

    def observe(
        self,
        loan: Loan,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> None:
        """A command has no quota of its own."""

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """With the value that another run gives, once. What fails then lets the 401 pass."""
        if response.status != UNAUTHORIZED or decision.tried:
            return None
        entry = self._context.snapshot.by_id.get(loan.vault_id)
        borrowed = entry.borrowed.get(loan.credential_key) if entry else None
        if borrowed is None or borrowed.command is None:
            return None
        kept = self._values.known(borrowed.command)
        if kept is None:
            return None
        if kept.generation == loan.generation:
            age = self._context.clock.monotonic() - kept.obtained_at
            if age < FRESH_SECONDS or not await self._another(loan, borrowed.command):
                return None
        return replace(decision, tried=(Tried(loan, response.status),))

    async def _another(self, loan: Loan, stored: StoredCommand) -> bool:
        try:
            kept = await self._values.again(loan.vault_id, loan.credential_key, stored)
        except VaultError:
            return False
        return kept.generation != loan.generation

    def returned(self, loan: Loan) -> None:
        """Nothing is kept of a loan."""

    def _with_remedy(
        self, error: VaultError, entry: VaultEntry, key: str, stored: StoredCommand
    ) -> VaultError:
        if error.code != "command_failed":
            return error
        verb = "test" if stored.approved(self._context.sealer) else "approve"
        remedy = f"vault-tui credential {verb} {key} --vault {entry.name}"
        return VaultError(
            "command_failed",
            f"Credential {key} of vault {entry.name}: {error.detail} "
            f"An operator looks at it with `{remedy}`.",
            extra={"credential_key": key, "remedy": remedy},
        )
