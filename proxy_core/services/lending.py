"""Credentials that are no stored value: who lends them, and who hears what became of them.

Lending         by kind of credential
├── oauth       one login's access token; a 401 has it refreshed
├── pool        one of several accounts' access tokens; a refusal takes the next account
├── command     what a program prints; a 401 has it run again
└── minted      a token made of the stored key; a 401 has another made
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import BorrowedKind, Decision, Loan, RequestDetails, ResponseFacts
from proxy_core.services.snapshot import Borrowed, SealedSecret, VaultEntry

UNAUTHORIZED = 401
"""What upstreams answer to a token that no longer counts."""


@dataclass(frozen=True, slots=True)
class Lent:
    """An access token, decrypted for one request.

    `sealed` is the token as it is kept: the same object for the same token, since what responses
    are scrubbed with is remembered by it.
    """

    value: bytes = field(repr=False)
    sealed: SealedSecret = field(repr=False)
    loan: Loan


class Lender(Protocol):
    """Lends the credentials of one kind. `observe` and `returned` never block."""

    async def lend(
        self,
        entry: VaultEntry,
        key: str,
        borrowed: Borrowed,
        decision: Decision,
        request: RequestDetails,
    ) -> Lent:
        """A token for one request, avoiding `decision.tried`.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, accounts_exhausted,
        command_failed, token_mint_failed, sealed.
        """

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """The head of a response to the loan."""

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """The decision to try again with, its `tried` grown by `loan`; None: the response passes.

        Raises VaultError: the client gets that instead.
        """

    def returned(self, loan: Loan) -> None:
        """The loan's request has ended. Once a loan."""


class Lending:
    """The lenders by kind. A loan belongs to the lender of its credential's kind."""

    def __init__(self) -> None:
        self._lenders: dict[BorrowedKind, Lender] = {}

    def add(self, kind: BorrowedKind, lender: Lender) -> None:
        """Let `lender` lend the credentials of one kind."""
        self._lenders[kind] = lender

    async def lend(
        self, entry: VaultEntry, decision: Decision, request: RequestDetails
    ) -> dict[str, Lent]:
        """What the decision borrows, by credential key, in its keys' order.

        Raises VaultError as `Lender.lend`; what was lent before is given back.
        """
        lent: dict[str, Lent] = {}
        try:
            for key in decision.credential_keys:
                borrowed = entry.borrows(key, decision.service)
                if borrowed is not None:
                    lender = self._lender(borrowed.kind)
                    lent[key] = await lender.lend(entry, key, borrowed, decision, request)
        except BaseException:
            for one in lent.values():
                self.returned(one.loan)
            raise
        if not lent:
            raise VaultError("credential_not_found", "The service's credential was deleted.")
        return lent

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """As `Lender.observe`."""
        self._lender(loan.kind).observe(loan, status, headers)

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """As `Lender.reconsider`."""
        return await self._lender(loan.kind).reconsider(decision, loan, response)

    def returned(self, loan: Loan) -> None:
        """As `Lender.returned`."""
        self._lender(loan.kind).returned(loan)

    def _lender(self, kind: BorrowedKind) -> Lender:
        lender = self._lenders.get(kind)
        if lender is None:
            raise VaultError("credential_not_found", f"No {kind} credentials can be used here.")
        return lender
