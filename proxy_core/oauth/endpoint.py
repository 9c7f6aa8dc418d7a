"""The token endpoint: every grant that ends in tokens."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from proxy_core.domain.oauth.assertions import assertion_claims
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.device import DeviceStart, parse_device_reply
from proxy_core.domain.oauth.failures import TokenError, refusal
from proxy_core.domain.oauth.replies import parse_token_reply
from proxy_core.domain.oauth.token_requests import (
    OutgoingRequest,
    assertion_request,
    code_request,
    credentials_request,
    device_poll_request,
    device_request,
    refresh_request,
    revocation_request,
)
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.oauth.http import GuardedHttp
from proxy_core.oauth.signing import signed


class TokenEndpoint:
    """Asks providers for tokens. Keeps nothing; every method raises TokenError.

    `secret` is the client's secret, None for a public client. `clock` tells epoch seconds.
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
        tokens = await self._tokens(refresh_request(client, secret, refresh_token))
        if tokens.refresh_token is None:
            return replace(tokens, refresh_token=refresh_token)
        return tokens

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
        request = code_request(
            client, secret, code=code, redirect_uri=redirect_uri, verifier=verifier, state=state
        )
        return await self._tokens(request)

    async def client_credentials(self, client: OAuthClient, secret: bytes | None) -> TokenSet:
        """An access token for the client itself (RFC 6749 4.4)."""
        return await self._tokens(credentials_request(client, secret))

    async def jwt_bearer(self, client: OAuthClient, private_key: bytes) -> TokenSet:
        """An access token for an assertion signed with the PEM `private_key` (RFC 7523 2.1)."""
        claims = assertion_claims(client, self._clock(), secrets.token_urlsafe(16))
        assertion = signed(claims, private_key, client.assertion.get("key_id", ""))
        return await self._tokens(assertion_request(client, assertion))

    async def start_device(self, client: OAuthClient, secret: bytes | None = None) -> DeviceStart:
        """Codes for a person to confirm elsewhere (RFC 8628 3.1). Raises TokenError."""
        if not client.device_authorization_url:
            detail = "the provider is not known to have device codes"
            raise TokenError(final=True, code="client_incomplete", detail=detail)
        request = device_request(client, secret)
        reply = await self._http.post(request.url, request.headers, request.body)
        now = self._clock()
        return parse_device_reply(reply.status, reply.headers, reply.body, request.secrets, now)

    async def poll_device(
        self, client: OAuthClient, secret: bytes | None, device_code: bytes
    ) -> TokenSet:
        """Ask once whether the person has confirmed. `authorization_pending` and `slow_down` are
        TokenErrors that aren't final; `access_denied` and `expired_token` are.
        """
        return await self._tokens(device_poll_request(client, secret, device_code))

    async def revoke(self, client: OAuthClient, secret: bytes | None, token: bytes) -> bool:
        """Revoke a token (RFC 7009); False if the provider has no endpoint for it.

        Raises TokenError.
        """
        if not client.revocation_url:
            return False
        request = revocation_request(client, secret, token)
        reply = await self._http.post(request.url, request.headers, request.body)
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.headers, {}, request.secrets, self._clock())
        return True

    async def _tokens(self, request: OutgoingRequest) -> TokenSet:
        reply = await self._http.post(request.url, request.headers, request.body)
        now = self._clock()
        return parse_token_reply(reply.status, reply.headers, reply.body, request.secrets, now)
