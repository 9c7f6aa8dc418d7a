"""An agent of the demo: a small HTTP client that speaks through the proxy and keeps its tunnels."""

import asyncio
import base64
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from vault_tui.demo.script import Step

_TIMEOUT_SECONDS = 30.0
PATIENCE_SECONDS = 600.0
"""How long an agent waits for an operator: longer than the worker does."""
_MAX_HEAD = 65536


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the agent saw: the status, the proxy's own error code or "", and the body's bytes."""

    status: int
    code: str
    size: int


class ConnectionEnded(Exception):
    """The proxy or the upstream closed before the answer was whole."""


@dataclass(slots=True)
class _Tunnel:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False


class Actor:
    """One agent. `proxy` is `(host, port)`; `trust` trusts the worker's CA."""

    def __init__(
        self, name: str, token: str, vault: str, proxy: tuple[str, int], trust: ssl.SSLContext
    ) -> None:
        self.name = name
        self._authorization = base64.b64encode(f"{token}:{vault}".encode()).decode()
        self._proxy = proxy
        self._trust = trust
        self._idle: dict[str, list[_Tunnel]] = defaultdict(list)

    async def perform(self, step: Step, patience: float = _TIMEOUT_SECONDS) -> Outcome:
        """Send one request and read the answer to its end.

        Raises ConnectionEnded, OSError or TimeoutError (after `patience` seconds).
        """
        async with asyncio.timeout(patience):
            while True:
                tunnel = await self._tunnel(step.offer.host)
                try:
                    return await self._exchange(tunnel, step)
                except (asyncio.IncompleteReadError, ConnectionError) as error:
                    tunnel.writer.transport.abort()
                    # A kept tunnel may have been closed meanwhile; a new one is tried then.
                    if not tunnel.used:
                        raise ConnectionEnded from error

    def close(self) -> None:
        """Give up every tunnel."""
        for tunnels in self._idle.values():
            for tunnel in tunnels:
                tunnel.writer.transport.abort()
        self._idle.clear()

    async def _exchange(self, tunnel: _Tunnel, step: Step) -> Outcome:
        tunnel.writer.write(_request(step))
        await tunnel.writer.drain()
        status, headers = await _read_head(tunnel.reader)
        size = await _read_body(tunnel.reader, headers)
        if headers.get("connection", "").lower() == "close":
            tunnel.writer.close()
        else:
            tunnel.used = True
            self._idle[step.offer.host].append(tunnel)
        return Outcome(status, headers.get("x-vault-proxy-error", ""), size)

    async def _tunnel(self, host: str) -> _Tunnel:
        if self._idle[host]:
            return self._idle[host].pop()
        reader, writer = await asyncio.open_connection(*self._proxy, limit=_MAX_HEAD)
        writer.write(
            f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n"
            f"Proxy-Authorization: Basic {self._authorization}\r\n\r\n".encode()
        )
        status, _ = await _read_head(reader)
        if status != 200:
            writer.close()
            raise ConnectionEnded(f"CONNECT was answered {status}")
        await writer.start_tls(self._trust, server_hostname=host)
        return _Tunnel(reader, writer)


def _request(step: Step) -> bytes:
    body = step.offer.text.encode() or b"x" * step.offer.body
    lines = [
        f"{step.offer.method} {step.path} HTTP/1.1",
        f"Host: {step.offer.host}",
        f"User-Agent: {step.player.name}/1.0",
        "Accept: application/json, text/event-stream",
        f"X-Demo-Status: {step.status}",
        f"X-Demo-Delay-Ms: {step.delay_ms}",
    ]
    if step.offer.events:
        lines.append(f"X-Demo-Events: {step.offer.events}")
    if step.offer.method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, Mapping[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> int:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return len(await reader.readexactly(int(headers.get("content-length", 0))))
    total = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
        total += size
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return total
