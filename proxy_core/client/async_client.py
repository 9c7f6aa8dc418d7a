"""The asyncio client: for the console, over httpx."""

import ssl
from types import TracebackType
from typing import TypeVar

import httpx
import msgspec

from proxy_core.client.calls import Call
from proxy_core.client.failures import failure_of, unreachable, unreadable
from proxy_core.client.target import Target

T = TypeVar("T")


class AsyncClient:
    """Keeps connections open between calls; close it, or use it as a context manager.

    `timeout` is in seconds, per socket operation. Raises VaultError: bad_request for a CA file
    that cannot be read.
    """

    def __init__(self, target: Target, timeout: float = 30.0) -> None:
        self.target = target
        uds = str(target.socket) if target.socket is not None else None
        is_tls = target.base_url.startswith("https://")
        verify: ssl.SSLContext | bool = target.tls_context() if is_tls else False
        # Proxy variables of the environment must not lead the console's own calls elsewhere.
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(verify=verify, uds=uds),
            base_url=target.origin,
            timeout=timeout,
            trust_env=False,
            headers={"Authorization": f"Bearer {target.token}"} if target.token else {},
        )

    async def send(self, call: Call[T], token: str = "") -> T:
        """Carry out `call`; a `token` takes the place of the target's.

        Raises VaultError with the worker's code, or no_worker when nothing answers.
        """
        request = self.request(call)
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            response = await self._http.send(request)
        except httpx.TransportError as error:
            raise self.failure(error) from error
        if response.status_code >= 400:
            retry_after = response.headers.get("Retry-After")
            where = self.target.sign_in_at
            raise failure_of(response.status_code, response.content, retry_after, where)
        try:
            return call.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(self.where) from error

    def request(self, call: Call[T], timeout: float | None = None) -> httpx.Request:
        """The httpx request of `call`; `timeout` in seconds replaces the client's."""
        body = call.encode()
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        chosen = httpx.Timeout(timeout) if timeout is not None else httpx.USE_CLIENT_DEFAULT
        # A raw target: httpx must not decode an encoded slash in a name.
        url = httpx.URL(self.target.origin).copy_with(raw_path=call.target.encode("ascii"))
        return self._http.build_request(
            call.method, url, content=body, headers=headers, timeout=chosen
        )

    @property
    def http(self) -> httpx.AsyncClient:
        """The client below, for streams."""
        return self._http

    @property
    def where(self) -> str:
        """The worker's address as people know it."""
        return self.target.where

    def failure(self, error: httpx.TransportError) -> Exception:
        """The VaultError that a transport failure stands for."""
        if isinstance(error, httpx.TimeoutException):
            return unreachable(TimeoutError(), self.where)
        closed = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)
        return unreachable(ConnectionResetError() if closed else error, self.where)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
