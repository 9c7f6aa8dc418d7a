"""Who issues tokens for a stored key, by the type of the auth that names it."""

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.azure import entra_client
from proxy_core.domain.cloud.gcp import parse_key
from proxy_core.domain.cloud.minted import Recipe, keys_beside, minted_key
from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.domain.service import AuthType
from proxy_core.oauth.github_app import InstallationTokens
from proxy_core.services.cloud.roles import AssumedRoles
from proxy_core.services.logins.source import TokenSource


class CloudMinter:
    """Implements `minting.Minter`."""

    def __init__(
        self, endpoint: TokenSource, github: InstallationTokens, roles: AssumedRoles
    ) -> None:
        self._endpoint = endpoint
        self._github = github
        self._roles = roles

    async def mint(self, recipe: Recipe, key: bytes, *beside: bytes) -> TokenSet:
        """A new token. Raises TokenError; VaultError as `AssumedRoles.mint`."""
        auth, host = recipe.auth, recipe.host
        if auth.type is AuthType.AWS_SIGV4:
            values = dict(zip((minted_key(auth), *keys_beside(auth)), (key, *beside), strict=True))
            return await self._roles.mint(recipe, values.__getitem__)
        if auth.type is AuthType.GITHUB_APP:
            return await self._github.mint(host, auth.app_id, auth.installation_id, key)
        if auth.type is AuthType.AZURE:
            return await self._endpoint.client_credentials(entra_client(auth, host), _secret(key))
        return await self._google(key, auth.scope)

    async def _google(self, text: bytes, scope: str) -> TokenSet:
        try:
            key = parse_key(text.decode("utf-8", "replace"), scope)
        except VaultError as error:
            raise TokenError(True, "invalid_key", error.detail) from None
        if key.refresh_token is None:
            return await self._endpoint.jwt_bearer(key.client, key.secret)
        return await self._endpoint.refresh(key.client, key.secret, key.refresh_token)


def _secret(value: bytes) -> bytes:
    secret = value.strip()
    if not secret or not secret.isascii() or not secret.decode("ascii").isprintable():
        raise TokenError(True, "invalid_key", "The stored value is no client secret.")
    return secret
