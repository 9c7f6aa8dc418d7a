"""Lends minted tokens in the place of the keys that they come from; a 401 has another minted."""

from collections.abc import Sequence
from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_errors import refuses_keys
from proxy_core.domain.cloud.minted import keys_beside, recipe_of
from proxy_core.domain.exchange import (
    BorrowedKind,
    Decision,
    Loan,
    RequestDetails,
    ResponseFacts,
    Tried,
)
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
        value, sealed, generation = await self._tokens.token(_source(entry, key, decision))
        return Lent(value, sealed, Loan(entry.id, key, "", generation, kind=BorrowedKind.MINTED))

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
        entry = self._context.snapshot.by_id.get(loan.vault_id)
        if entry is None or decision.tried or not _is_refused(response):
            return None
        try:
            source = _source(entry, loan.credential_key, decision)
        except VaultError:  # the credential has gone meanwhile
            return None
        if not await self._tokens.refused(source, loan.generation):
            return None
        return replace(decision, tried=(Tried(loan, response.status),))

    def returned(self, loan: Loan) -> None:
        """Nothing is kept of a loan."""


def _is_refused(response: ResponseFacts) -> bool:
    """Whether the upstream says that the token itself no longer counts. What was done is not done
    again, whatever is said of it.
    """
    status = response.status
    says = refuses_keys(response.headers, response.body)
    return status == UNAUTHORIZED or (400 <= status < 500 and says)


def _source(entry: VaultEntry, key: str, decision: Decision) -> Source:
    """Raises VaultError: credential_not_found."""
    service = decision.service
    if service is None:
        raise VaultError("credential_not_found", "Tokens are made for services alone.")
    keys = (key, *keys_beside(service.auth))
    for one in keys:
        if one not in entry.secrets:
            raise _not_stored(one, entry.name)
    secret, *beside = (entry.secrets[one] for one in keys)
    recipe = recipe_of(service)
    return Source(entry.id, entry.name, service.name, key, secret, recipe, tuple(beside))


def _not_stored(key: str, vault: str) -> VaultError:
    remedy = f"vault-tui credential set {key} --vault {vault}"
    return VaultError(
        "credential_not_found",
        f"Vault {vault} stores no value for credential {key}, from which access tokens are made. "
        f"An operator stores it with `{remedy}`.",
        extra={"credential_key": key, "remedy": remedy},
    )
