"""The blocking client: for the command line, where every import costs start-up time."""

import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from proxy_core.client.calls import Call
from proxy_core.client.failures import failure_of, unreachable, unreadable
from proxy_core.client.target import Target

T = TypeVar("T")


class SyncClient:
    """One connection a call; holds nothing open. `timeout` is in seconds, per socket operation."""

    def __init__(self, target: Target, timeout: float = 30.0) -> None:
        self.target = target
        self._timeout = timeout

    def send(self, call: Call[T]) -> T:
        """Carry out `call`.

        Raises VaultError with the worker's code, or no_worker when nothing answers.
        """
        connection, response = self.open(call)
        try:
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(error, self.where) from error
        finally:
            connection.close()
        try:
            return call.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise unreadable(self.where) from error

    def open(
        self,
        call: Call[T],
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send `call` and return the answer before its body; the caller closes the connection.

        Raises VaultError as `send` does.
        """
        connection = self._connection(timeout or self._timeout)
        fields = {**self._headers(call), **(headers or {})}
        try:
            # A refusal may come, and the connection close, before the body has been sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(call.method, call.target, call.encode(), fields)
            response = connection.getresponse()
            failed = response.read() if response.status >= 400 else None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise unreachable(error, self.where) from error
        if failed is not None:
            connection.close()
            retry_after = response.getheader("Retry-After")
            raise failure_of(response.status, failed, retry_after, self.target.sign_in_at)
        return connection, response

    @property
    def where(self) -> str:
        """The worker's address as people know it."""
        return self.target.where

    def _headers(self, call: Call[T]) -> dict[str, str]:
        headers = {"Accept": "application/json", "Connection": "close"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if self.target.token:
            headers["Authorization"] = f"Bearer {self.target.token}"
        return headers

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.target.socket is not None:
            return _UnixConnection(str(self.target.socket), timeout)
        parts = urlsplit(self.target.base_url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = self.target.tls_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
