"""The token endpoint: every grant that ends in tokens."""

import time
from collections.abc import Callable

from proxy_core.domain.oauth import DeviceStart, OAuthClient, TokenSet
from proxy_core.oauth.http import GuardedHttp


class TokenEndpoint:
    """Asks providers for tokens. Keeps nothing; every method raises TokenError.

    `secret` is the client's secret, None for a public client.
    """

    def __init__(self, http: GuardedHttp, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._clock = clock

    async def refresh(
        self, client: OAuthClient, secret: bytes | None, refresh_token: bytes
    ) -> TokenSet:
        """A new access token. `refresh_token` of the result is the one to use from now on: the
        provider's new one, or the same if it gave none (RFC 6749 6).
        """
        raise NotImplementedError

    async def exchange_code(
        self,
        client: OAuthClient,
        secret: bytes | None,
        *,
        code: str,
        redirect_uri: str,
        verifier: str = "",
        state: str = "",
    ) -> TokenSet:
        """Tokens for an authorization code; `redirect_uri` and `verifier` as when it was asked."""
        raise NotImplementedError

    async def client_credentials(self, client: OAuthClient, secret: bytes | None) -> TokenSet:
        """An access token for the client itself (RFC 6749 4.4)."""
        raise NotImplementedError

    async def jwt_bearer(self, client: OAuthClient, private_key: bytes) -> TokenSet:
        """An access token for an assertion signed with the PEM `private_key` (RFC 7523 2.1)."""
        raise NotImplementedError

    async def start_device(self, client: OAuthClient, secret: bytes | None = None) -> DeviceStart:
        """Codes for a person to confirm elsewhere (RFC 8628 3.1)."""
        raise NotImplementedError

    async def poll_device(
        self, client: OAuthClient, secret: bytes | None, device_code: bytes
    ) -> TokenSet:
        """Ask once whether the person has confirmed. `authorization_pending` and `slow_down` are
        TokenErrors that aren't final; `access_denied` and `expired_token` are.
        """
        raise NotImplementedError

    async def await_device(
        self, client: OAuthClient, secret: bytes | None, start: DeviceStart
    ) -> TokenSet:
        """Poll at the provider's pace until the person has answered or the codes have expired."""
        raise NotImplementedError

    async def revoke(self, client: OAuthClient, secret: bytes | None, token: bytes) -> bool:
        """Revoke a token (RFC 7009); False if the provider has no endpoint for it."""
        raise NotImplementedError
