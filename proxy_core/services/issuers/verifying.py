"""What a JWT is worth: what it claims, whether its issuer has signed that, whom it stands for.

    taken apart  →  of a trusted issuer  →  checks that need no key  →  key  →  signature  →  rule

Nothing is fetched for a token that is refused anyway. The rule is looked up last, with nothing to
wait for after it: what is answered is true of the snapshot then in force.
"""

from typing import Protocol, TypeGuard

from proxy_core.base.clock import Clock
from proxy_core.base.ids import token_sha256
from proxy_core.domain.issuers import Issuer, check, present
from proxy_core.domain.issuers.presented import refused
from proxy_core.services.issuers.keys import IssuerKeys
from proxy_core.services.issuers.vouched import Proof, Vouched, holder, not_fitting
from proxy_core.services.snapshot import Bearer, Snapshot
from proxy_core.services.users.directory import Directory


class Trusted(Protocol):
    """The issuers that are trusted now, and whom they may vouch for."""

    def keys_of(self, url: str) -> IssuerKeys | None:
        """The keys of the issuer of that URL; None when it is not trusted."""

    @property
    def snapshot(self) -> Snapshot:
        """The one that is in force."""

    @property
    def users(self) -> Directory:
        """Those that there are."""


class IssuerVerifier:
    """Implements `services.verdicts.Verifier`."""

    def __init__(self, trusted: Trusted, clock: Clock) -> None:
        self._trusted = trusted
        self._clock = clock

    async def verify(self, token: str) -> Vouched:
        """Whom the JWT is for. Raises VaultError: unauthorized, issuer_unreachable."""
        presented = present(token)
        keys = self._trusted.keys_of(presented.issuer)
        if keys is None:
            raise refused("its issuer is none that is trusted here")
        issuer = keys.issuer
        until = check(presented, issuer, self._clock.time())
        key = await keys.find(presented.algorithm, presented.key_id)
        if not key.verifies(presented.algorithm, presented.signed, presented.signature):
            raise refused("its signature is not its issuer's")
        if self._trusted.keys_of(issuer.url) is not keys:
            raise refused("its issuer was changed meanwhile")
        rule = issuer.rule_for(presented.claims)
        if rule is None:
            raise not_fitting()
        proof = Proof(token_sha256(token), issuer.id, issuer.name, key.thumbprint, until)
        trusted = self._trusted
        return holder(issuer, rule, presented.claims, proof, trusted.snapshot, trusted.users)


def is_of(held: Bearer, issuer: Issuer) -> TypeGuard[Vouched]:
    """Whether a token's holder has this issuer's word."""
    return isinstance(held, Vouched) and held.proof.issuer_id == issuer.id
