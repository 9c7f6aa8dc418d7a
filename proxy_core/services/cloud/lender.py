"""Lends minted tokens in the place of the keys that they come from; a 401 has another minted."""

from collections.abc import Sequence
from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.minted import recipe_of
from proxy_core.domain.exchange import Decision, Loan, RequestDetails, ResponseFacts, Tried
from proxy_core.services.cloud.minting import MintedTokens, Source
from proxy_core.services.context import Context
from proxy_core.services.lending import UNAUTHORIZED, Lent
from proxy_core.services.snapshot import Borrowed, VaultEntry


class MintLender:
    """Implements `lending.Lender`."""

    def __init__(self, context: Context, tokens: MintedTokens) -> None:
        self._context = context
        self._tokens = tokens

    async def lend(
        self,
        entry: VaultEntry,
        key: str,
        borrowed: Borrowed,  # noqa: ARG002 - the service says what is minted
        decision: Decision,
        request: RequestDetails,  # noqa: ARG002
    ) -> Lent:
        """A token for the service. Raises VaultError: credential_not_found, and as `token`."""
        source = _source(entry, key, decision)
        if source is None:
            remedy = f"vault-tui credential set {key} --vault {entry.name}"
            raise VaultError(
                "credential_not_found",
                f"Vault {entry.name} stores no value for credential {key}, from which access "
                f"tokens are made. An operator stores it with `{remedy}`.",
                extra={"credential_key": key, "remedy": remedy},
            )
        value, sealed, generation = await self._tokens.token(source)
        return Lent(value, sealed, Loan(entry.id, key, "", generation, is_minted=True))

    def observe(
        self,
        loan: Loan,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
    ) -> None:
        """A minted token has no quota of its own."""

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """With another token, once."""
        if response.status != UNAUTHORIZED or decision.tried:
            return None
        entry = self._context.snapshot.by_id.get(loan.vault_id)
        source = _source(entry, loan.credential_key, decision) if entry else None
        if source is None or not await self._tokens.refused(source, loan.generation):
            return None
        return replace(decision, tried=(Tried(loan, response.status),))

    def returned(self, loan: Loan) -> None:
        """Nothing is kept of a loan."""


def _source(entry: VaultEntry, key: str, decision: Decision) -> Source | None:
    secret, service = entry.secrets.get(key), decision.service
    if secret is None or service is None:
        return None
    return Source(entry.id, entry.name, service.name, key, secret, recipe_of(service))
