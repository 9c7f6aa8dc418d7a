"""JWTs that stand for users: as whom they act now, and how long a sign-in at the issuer proves it.

A JWT has no password. What an operator's password proves at a session, presence, is proved by the
token's `auth_time`: when the person last showed the issuer who it is. A refreshed token keeps that
time, so whoever has stolen one can't make it younger.
"""

from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.services.context import Context
from proxy_core.services.issuers.vouched import VouchedUser
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.users.directory import User
from proxy_core.services.users.lifetime import Rules

PROOF_SECONDS: Final = 300.0
"""For how long at most a sign-in counts as a proof: JWTs are handed about more than sessions."""


class VouchedPeople:
    """`rules` answers the settings in force."""

    def __init__(self, context: Context, rules: Rules) -> None:
        self._context = context
        self._rules = rules

    def principal(self, held: VouchedUser) -> Principal:
        """Who the holder is now. Raises VaultError: unauthorized (the user is gone)."""
        user = held.user(self._context.users)
        if user is None:
            raise VaultError("unauthorized", "The user that the JWT stood for was removed.")
        by_id = self._context.snapshot.by_id
        return Principal(
            kind=PrincipalKind.USER,
            id=user.id,
            name=user.email,
            instance_role=user.role,
            vaults={by_id[one].name: role for one, role in user.grants.items() if one in by_id},
            token_sha256=held.sha256,
            proved=self._context.clock.time() < self.proved_until(held),
            issuer=held.proof.issuer_name,
        )

    def proved_until(self, held: VouchedUser) -> float:
        """Until when the sign-in at the issuer is a proof, in epoch seconds.

        A sign-in that is yet to come is none: the issuer's clock is wrong, or its word.
        """
        if held.signed_in_at is None or held.signed_in_at > self._context.clock.time():
            return 0.0
        return held.signed_in_at + min(self._rules().proof, PROOF_SECONDS)


def present_user(context: Context, by: Principal) -> User | None:
    """The user that `by` is, with the roles of now; None once what proved it has ended."""
    now = context.clock.time()
    held = context.bearer(by.token_sha256)
    if isinstance(held, VouchedUser):
        return held.user(context.users) if held.expires_at > now else None
    found = context.users.signed_in(by.token_sha256, now)
    return None if found is None else found[0]
