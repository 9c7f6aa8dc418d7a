"""From a bearer token of the API to a principal, without the database.

A JWT is known once an issuer has vouched for it: `verify` comes before `of_bearer`.
"""

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import USER_PREFIX, token_sha256
from proxy_core.domain.agent_tokens import is_jwt
from proxy_core.domain.exchange import ActorType
from proxy_core.services.context import Context
from proxy_core.services.issuers.people import VouchedPeople
from proxy_core.services.issuers.vouched import Vouched, VouchedUser
from proxy_core.services.operators import Operators
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.snapshot import Bearer
from proxy_core.services.users.sessions import UserSessions


class Identity:
    """Tokens of agents, sessions, operators and users."""

    def __init__(
        self, context: Context, operators: Operators, users: UserSessions, people: VouchedPeople
    ) -> None:
        self._context = context
        self._operators = operators
        self._users = users
        self._people = people

    async def verify(self, token: str) -> None:
        """Have a JWT vouched for. Raises VaultError: unauthorized, and what keeps its issuer from
        being asked.
        """
        if is_jwt(token):
            await self._context.verdicts.verify(token)

    def of_bearer(self, token: str) -> Principal:
        """Raises VaultError: unauthorized (unknown, expired or revoked)."""
        if token.startswith(USER_PREFIX):
            found = self._operators.of_token(token) or self._users.of_token(token)
            if found is None:
                raise VaultError("unauthorized")
            return found
        bearer = self._context.bearer(token_sha256(token))
        if bearer is None or bearer.expires_at <= self._context.clock.time():
            raise VaultError("unauthorized")
        if isinstance(bearer, VouchedUser):
            return self._people.principal(bearer)
        return self._principal(bearer)

    def proved_until(self, by: Principal) -> str:
        """Until when what a user has proved counts; empty when it does no more."""
        held = self._context.bearer(by.token_sha256)
        if isinstance(held, VouchedUser):
            return rfc3339(self._people.proved_until(held)) if by.proved else ""
        return self._users.proved_until(by)

    def _principal(self, bearer: Bearer) -> Principal:
        by_id = self._context.snapshot.by_id
        is_agent = bearer.actor_type is ActorType.AGENT
        return Principal(
            kind=PrincipalKind.AGENT if is_agent else PrincipalKind.SESSION,
            id=bearer.actor_id,
            name=bearer.actor_name,
            instance_role=bearer.role,
            vaults={
                by_id[vault_id].name: role
                for vault_id, role in bearer.grants.items()
                if vault_id in by_id
            },
            token_sha256=bearer.sha256,
            issuer=bearer.proof.issuer_name if isinstance(bearer, Vouched) else "",
        )
