"""Lends the access tokens of credentials of type `oauth`; a 401 has them refreshed, once."""

from collections.abc import Sequence
from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Decision, Loan, RequestDetails, ResponseFacts, Tried
from proxy_core.services.lending import UNAUTHORIZED, Lent
from proxy_core.services.logins.logins import Logins
from proxy_core.services.snapshot import Borrowed, VaultEntry


class LoginLender:
    """Implements `lending.Lender`."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    async def lend(
        self,
        entry: VaultEntry,
        key: str,
        borrowed: Borrowed,
        decision: Decision,  # noqa: ARG002 - there is one login to choose from
        request: RequestDetails,  # noqa: ARG002
    ) -> Lent:
        """The credential's token. Raises VaultError as `Logins.access`."""
        login = self._logins.of_credential(borrowed.credential_id)
        if login is None:
            remedy = f"vault-tui credential oauth connect {key} --vault {entry.name}"
            raise VaultError(
                "oauth_not_connected",
                f"The OAuth credential {key} of vault {entry.name} is not connected. "
                f"An operator mends it with `{remedy}`.",
                extra={"credential_key": key, "remedy": remedy},
            )
        access = await self._logins.access(login.id)
        loan = Loan(entry.id, key, login.id, access.generation)
        return Lent(access.value, access.sealed, loan)

    def observe(
        self,
        loan: Loan,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],  # noqa: ARG002 - a login has no quota of its own
    ) -> None:
        """An upstream that answers anything but 401 has taken the token."""
        if status != UNAUTHORIZED:
            self._logins.accepted(loan.login_id, loan.generation)

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """With the token that follows, once. Raises VaultError as `Logins.refused`."""
        if response.status != UNAUTHORIZED or decision.tried:
            return None
        if not await self._logins.refused(loan.login_id, loan.generation):
            return None
        return replace(decision, tried=(Tried(loan, response.status),))

    def returned(self, loan: Loan) -> None:
        """Nothing is kept of a loan."""
