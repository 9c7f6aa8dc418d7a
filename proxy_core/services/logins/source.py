"""Where tokens come from: `oauth.TokenEndpoint`, as far as logins need it."""

from typing import Protocol

from proxy_core.domain.oauth import GrantKind, OAuthClient, TokenError, TokenSet


class TokenSource(Protocol):
    """Every method raises TokenError. `secret` is the client's, None for a public client."""

    async def refresh(
        self, client: OAuthClient, secret: bytes | None, refresh_token: bytes
    ) -> TokenSet:
        """A new pair for a refresh token; the same one stays where the provider gives no other."""

    async def client_credentials(self, client: OAuthClient, secret: bytes | None) -> TokenSet:
        """An access token for the client itself."""

    async def jwt_bearer(self, client: OAuthClient, private_key: bytes) -> TokenSet:
        """An access token for an assertion signed with the PEM `private_key`."""


class NoTokens:
    """Before the worker has attached a source, and where there is no network."""

    async def refresh(
        self,
        client: OAuthClient,  # noqa: ARG002 - the protocol's arguments
        secret: bytes | None,  # noqa: ARG002
        refresh_token: bytes,  # noqa: ARG002
    ) -> TokenSet:
        """Never."""
        raise _away()

    async def client_credentials(
        self,
        client: OAuthClient,  # noqa: ARG002 - the protocol's arguments
        secret: bytes | None,  # noqa: ARG002
    ) -> TokenSet:
        """Never."""
        raise _away()

    async def jwt_bearer(
        self,
        client: OAuthClient,  # noqa: ARG002 - the protocol's arguments
        private_key: bytes,  # noqa: ARG002
    ) -> TokenSet:
        """Never."""
        raise _away()


async def renew(
    tokens: TokenSource, client: OAuthClient, secret: bytes | None, refresh_token: bytes | None
) -> TokenSet:
    """New tokens by the client's grant. Raises TokenError; final where nothing is left to use."""
    if client.grant is GrantKind.CLIENT_CREDENTIALS:
        return await tokens.client_credentials(client, secret)
    if client.grant is GrantKind.JWT_BEARER and secret is not None:
        return await tokens.jwt_bearer(client, secret)
    if refresh_token is None:
        raise TokenError(True, "no_refresh_token", "There is no refresh token to renew it with.")
    return await tokens.refresh(client, secret, refresh_token)


def _away() -> TokenError:
    return TokenError(False, "unreachable", "This worker reaches no token endpoint.")
