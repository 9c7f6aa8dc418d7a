"""One request to the issuer: https, verified, no redirect, bounded in size and time; through the
environment's proxy, if it has one.

By the standard library: the worker's own way costs 100 ms more to import, and its network guard is
not for a person's own machine, where the company's issuer may well have a private address.
"""

import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.urls import check_endpoint_url, is_loopback
from proxy_core.tokens.way import Proxy, proxy_for, trust

MAX_REPLY = 1 << 20
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Https:
    """Sends single requests. `allow_http_loopback`: http too, to this machine itself. `ca_file`:
    PEM, whose CAs count beside the system's.

    Every method raises TokenError, never final, when there is no answer to use.
    """

    def __init__(
        self,
        *,
        allow_http_loopback: bool = False,
        ca_file: str = "",
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.allow_http_loopback = allow_http_loopback
        self._ca_file = ca_file
        self._connect_seconds = min(CONNECT_SECONDS, total_seconds)
        self._total_seconds = total_seconds

    @classmethod
    def to(cls, url: str, *, ca_file: str = "", total_seconds: float = TOTAL_SECONDS) -> Self:
        """For endpoints such as this one. Plain http only where it is to this machine, said so."""
        parts = urlsplit(url)
        here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        return cls(allow_http_loopback=here, ca_file=ca_file, total_seconds=total_seconds)

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Ask for a document."""
        return self._send("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a form. A connection that breaks before any answer gets one more try."""
        return self._send("POST", url, headers, body)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        try:
            check_endpoint_url(url, "the issuer's URL", self.allow_http_loopback)
        except VaultError as error:
            raise TokenError(False, "http_refused", error.detail) from None
        try:
            reply = self._once(method, url, headers, body)
        except (ConnectionError, http.client.RemoteDisconnected):
            reply = self._last_try(method, url, headers, body)
        except _FAILURES as error:
            raise _failure(error) from None
        if 300 <= reply.status < 400:
            detail = "the issuer's endpoint redirects elsewhere, which is not followed"
            raise TokenError(False, "redirect_refused", detail, status=reply.status)
        return reply

    def _last_try(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        try:
            return self._once(method, url, headers, body)
        except _FAILURES as error:
            raise _failure(error) from None

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        begun = time.monotonic()
        connection = self._connected(url)
        connection.sock.settimeout(self._total_seconds)
        parts = urlsplit(url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        try:
            with _cut_after(self._total_seconds, connection):
                connection.request(method, target, body, {"User-Agent": "vault-tui", **headers})
                return _read(connection.getresponse())
        except _FAILURES:
            if time.monotonic() - begun < self._total_seconds:
                raise
            raise TimeoutError from None
        finally:
            connection.close()

    def _connected(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            plain = http.client.HTTPConnection(host, parts.port, timeout=self._connect_seconds)
            plain.connect()
            return plain
        proxy = proxy_for(host, os.environ)
        there, port = (proxy.host, proxy.port) if proxy else (host, parts.port)
        context = trust(self._ca_file, os.environ)
        connection = http.client.HTTPSConnection(
            there, port, timeout=self._connect_seconds, context=context
        )
        if proxy is None:
            connection.connect()
        else:
            with _cut_after(self._connect_seconds, connection):
                _connect_through(proxy, connection, host, parts.port or 443)
        return connection


_FAILURES = (OSError, http.client.HTTPException)
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


def _connect_through(
    proxy: Proxy, connection: http.client.HTTPSConnection, host: str, port: int
) -> None:
    """Raises TokenError where it is the proxy that fails, and not TLS with the issuer."""
    connection.set_tunnel(host, port, dict(proxy.headers))
    try:
        connection.connect()
    except ssl.SSLError:
        raise
    except _FAILURES as error:
        refused = _REFUSED_TUNNEL.match(str(error))
        why = f"refuses the issuer with HTTP {refused[1]}" if refused else "can't be reached"
        detail = f"the proxy that HTTPS_PROXY names {why}"
        raise TokenError(False, "proxy_failed", detail) from None


@contextmanager
def _cut_after(seconds: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """However slowly, nothing comes for longer than that."""

    def cut() -> None:
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _read(response: http.client.HTTPResponse) -> Reply:
    try:
        body = response.read(MAX_REPLY + 1)
    except ConnectionError:  # not one to be tried again: there has been an answer
        raise http.client.IncompleteRead(b"") from None
    if len(body) > MAX_REPLY:
        detail = "the issuer's answer is larger than 1 MiB"
        raise TokenError(False, "reply_too_large", detail, status=response.status)
    # `read` with a length does not tell that the rest never came.
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, body)


def _failure(error: Exception) -> TokenError:
    if isinstance(error, ssl.SSLError):
        return TokenError(False, "tls", "the issuer's certificate or TLS is not acceptable")
    if isinstance(error, TimeoutError):
        return TokenError(False, "timeout", "the issuer did not answer in time")
    if isinstance(error, OSError) and not isinstance(error, ConnectionResetError):
        return TokenError(False, "unreachable", "the issuer can't be reached")
    return TokenError(False, "unreachable", "the issuer cut the connection")
