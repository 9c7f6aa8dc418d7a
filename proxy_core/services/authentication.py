"""Who a client of the data path is, and which vault it means: from the snapshot alone.

A JWT is the exception: an issuer has to vouch for it (`verify`) before `authenticate` knows it.
"""

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.base.text import display_safe
from proxy_core.domain.agent_tokens import is_jwt, parse_authorization
from proxy_core.domain.exchange import Access, ActorType
from proxy_core.services.context import Context
from proxy_core.services.limits import AuthFailures
from proxy_core.services.snapshot import Bearer, Snapshot, VaultEntry

_VAULT_SHOWN = 64


class Authentication:
    """Checks tokens. Wrong ones are counted to the client's address."""

    def __init__(self, context: Context, failures: AuthFailures) -> None:
        self._context = context
        self._failures = failures
        self._time = context.clock.time

    async def verify(self, authorization: bytes, address: str) -> None:
        """Have a JWT vouched for. Raises VaultError: proxy_auth_required, rate_limited, and what
        keeps the issuer from being asked.
        """
        try:
            token, _ = parse_authorization(authorization)
            if is_jwt(token):
                await self._context.verdicts.verify(token)
        except VaultError as error:
            if error.code not in ("unauthorized", "proxy_auth_required"):
                raise
            self._failures.failed(address)
            raise VaultError("proxy_auth_required", error.detail) from None

    def authenticate(
        self, authorization: bytes | None, address: str = "", vault: str | None = None
    ) -> Access:
        """Check the token. Raises VaultError: proxy_auth_required, rate_limited, bad_request."""
        snapshot = self._context.snapshot
        try:
            token, named = parse_authorization(authorization)
            bearer = self.live(token_sha256(token))
        except VaultError:
            if authorization:  # no token at all is how many clients begin
                self._failures.failed(address)
            raise
        if vault is not None:
            named = _one_of(named, display_safe(vault, _VAULT_SHOWN))
        only = bearer.only_vault_id if named is None else None
        entry = snapshot.vaults.get(named or "") if only is None else snapshot.by_id.get(only)
        return Access(
            bearer.sha256,
            bearer.actor_type,
            bearer.actor_id,
            bearer.actor_name,
            named if entry is None else entry.name,
            "" if entry is None else entry.id,
        )

    def live(self, sha256: bytes) -> Bearer:
        """Who holds the token now. Raises VaultError: proxy_auth_required."""
        bearer = self._context.bearer(sha256)
        if bearer is None:
            raise VaultError("proxy_auth_required", "The token is unknown or was revoked.")
        if bearer.expires_at <= self._time():
            raise VaultError("proxy_auth_required", "The token has expired.")
        if bearer.actor_type is ActorType.USER:  # what an agent holds must not decide for people
            raise VaultError(
                "proxy_auth_required",
                "The JWT stands for a user, who is served at the API alone: an agent needs one "
                "that an issuer's rule leads to an agent or a vault.",
            )
        return bearer


def vault_of(snapshot: Snapshot, bearer: Bearer, access: Access) -> VaultEntry:
    """The vault that a client means, as far as it may use it.

    Raises VaultError: vault_required, vault_not_found, vault_forbidden.
    """
    name = access.vault
    if name is None:
        return _only_vault(snapshot, bearer)
    vault_id = access.vault_id
    entry = snapshot.by_id.get(vault_id) if vault_id else snapshot.vaults.get(name)
    if entry is None:
        raise VaultError("vault_not_found", f"There is no vault {name}.")
    if entry.id not in bearer.grants:
        raise VaultError("vault_forbidden", f"The token gives no access to vault {name}.")
    return entry


def _only_vault(snapshot: Snapshot, bearer: Bearer) -> VaultEntry:
    if not bearer.grants:
        raise VaultError("vault_forbidden", f"{bearer.actor_name} has no vault.")
    vault_id = bearer.only_vault_id
    if vault_id is None:
        names = sorted(snapshot.by_id[held].name for held in bearer.grants)
        raise VaultError("vault_required", extra={"vaults": names})
    return snapshot.by_id[vault_id]


def _one_of(named: str | None, vault: str) -> str:
    if named is not None and named != vault:
        raise VaultError("bad_request", f"The request names two vaults, {named} and {vault}.")
    return vault
