"""One request to a provider, with everything that bounds it."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.urls import check_endpoint_url
from proxy_core.oauth.network import GuardedBackend, Resolve

MAX_REPLY = 1 << 20
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
USER_AGENT = "vault-tui"

_BROKEN = (
    httpcore.ConnectError,
    httpcore.ReadError,
    httpcore.WriteError,
    httpcore.RemoteProtocolError,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class GuardedHttp:
    """Sends single requests to https URLs whose addresses the guard lets through.

    `ssl_context` is called once, at the first request. `allow_http_loopback` lets http URLs pass
    whose host is a loopback address or localhost; the guard has its say on them all the same.
    Each request has a connection of its own: they are rare, and a kept one may have died unseen.
    """

    def __init__(
        self,
        resolve: Resolve,
        ssl_context: Callable[[], ssl.SSLContext],
        *,
        allow_http_loopback: bool = False,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.allow_http_loopback = allow_http_loopback
        self._backend = GuardedBackend(resolve)
        self._make_context = ssl_context
        self._context: ssl.SSLContext | None = None
        self._total_seconds = total_seconds

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Raises TokenError, never final, when there is no answer to use."""
        return await self._send(_Request("GET", url, headers, b""))

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TokenError, never final, when there is no answer to use."""
        return await self._send(_Request("POST", url, headers, body))

    async def _send(self, request: _Request) -> Reply:
        try:
            check_endpoint_url(request.url, "the provider's URL", self.allow_http_loopback)
        except VaultError as error:
            raise TokenError(False, "http_refused", error.detail) from None
        try:
            async with asyncio.timeout(self._total_seconds):
                reply = await self._twice_if_broken(request)
        except (TimeoutError, httpcore.TimeoutException):
            raise TokenError(False, "timeout", "the provider did not answer in time") from None
        if 300 <= reply.status < 400:
            detail = "the provider's endpoint redirects elsewhere, which is not followed"
            raise TokenError(False, "redirect_refused", detail, status=reply.status)
        return reply

    async def _twice_if_broken(self, request: _Request) -> Reply:
        """A connection that breaks before any answer gets one more try, a refused one too."""
        try:
            return await self._once(request)
        except _BROKEN as error:
            if (failure := _failure(error)).code == "tls":
                raise failure from None
        try:
            return await self._once(request)
        except _BROKEN as error:
            raise _failure(error) from None

    async def _once(self, request: _Request) -> Reply:
        if self._context is None:
            self._context = self._make_context()
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._context,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=self._backend,
        )
        headers = {
            "host": urlsplit(request.url).netloc,
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            **request.headers,
        }
        limits = dict.fromkeys(("read", "write", "pool"), self._total_seconds)
        try:
            async with (
                pool,
                pool.stream(
                    request.method,
                    request.url,
                    headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                    content=request.body,
                    extensions={"timeout": {**limits, "connect": CONNECT_SECONDS}},
                ) as response,
            ):
                return await _read(response)
        except VaultError as error:
            code = "address_blocked" if error.code == "address_blocked" else "unreachable"
            raise TokenError(False, code, error.detail) from None


async def _read(response: httpcore.Response) -> Reply:
    """The whole answer. Raises TokenError: too large, coded, or cut."""
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
    }
    if headers.get("content-encoding", "identity").lower() != "identity":
        detail = "the provider's answer is compressed, which was not asked for"
        raise TokenError(False, "bad_reply", detail, status=response.status)
    body = bytearray()
    try:
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > MAX_REPLY:
                detail = "the provider's answer is larger than 1 MiB"
                raise TokenError(False, "reply_too_large", detail, status=response.status)
    except (httpcore.NetworkError, httpcore.ProtocolError):
        detail = "the provider's answer broke off"
        raise TokenError(False, "unreachable", detail, status=response.status) from None
    return Reply(response.status, headers, bytes(body))


def _failure(error: Exception) -> TokenError:
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return TokenError(False, "tls", "the provider's certificate or TLS is not acceptable")
    if isinstance(error, httpcore.ConnectError):
        return TokenError(False, "unreachable", "the provider can't be reached")
    return TokenError(False, "unreachable", "the provider cut the connection without an answer")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error arose from, and that in turn."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
