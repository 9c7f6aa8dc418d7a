"""The demo's Internet: one TLS server for every host, which answers as it is asked to.

An agent says in header fields of its own what the upstream shall do (`X-Demo-Status`,
`X-Demo-Delay-Ms`, `X-Demo-Events`): so a plan fixes the whole play. What the upstream checks is the
point of the demo: each host gets its real credential, and no other host ever sees it.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from vault_tui.demo import answers
from vault_tui.demo.cast import VAULTS
from vault_tui.demo.issuer import USAGE_PATH, Issuer
from vault_tui.demo.roles import Part

_EVENT_GAP_SECONDS = 0.04
_MAX_HEAD = 65536


@dataclass(slots=True)
class Seen:
    """What the upstream has counted."""

    requests: int = 0
    verified: int = 0
    wrong: int = 0
    leaks: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    head: str = field(repr=False)
    body: bytes = field(repr=False)

    def number(self, name: str, default: int) -> int:
        return int(self.headers.get(name, default))


class Upstream:
    """Start it, then send any host to `port`. `secrets` are the credentials' values by key."""

    def __init__(self, secrets: Mapping[str, str], context: ssl.SSLContext, issuer: Issuer) -> None:
        self.seen = Seen()
        self.issuer = issuer
        self.port = 0
        self._secrets = secrets
        self._context = context
        self._parts = {_host_of(part): part for vault in VAULTS for part in vault.parts}
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context, limit=_MAX_HEAD
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
                while True:
                    await self._answer(await _read(reader), writer)
        except asyncio.CancelledError:
            pass  # the demo ends
        finally:
            self._handlers.discard(task)
            writer.transport.abort()

    async def _answer(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        if self.issuer.is_token_endpoint(request.host, request.path):
            status, body = self.issuer.answer_token_request(request.host, request.body)
            await _send(writer, status, body)
            return
        self.seen.requests += 1
        known = self._is_known(request)
        await asyncio.sleep(request.number("x-demo-delay-ms", 0) / 1000)
        events = request.number("x-demo-events", 0)
        status = request.number("x-demo-status", 200) if known else 401
        grant = self.issuer.bearer(request.headers.get("authorization", ""))
        quota = self.issuer.quota_lines(grant) if grant else []
        if grant is not None and request.path == USAGE_PATH:
            await _send(writer, 200, self.issuer.usage(grant))
        elif events and status == 200:
            await _stream(writer, request.host, events, quota)
        else:
            await _send(writer, status, answers.body(request.host, request.path, status), quota)

    def _is_known(self, request: _Request) -> bool:
        """Whether the host got the credential that it is owed, and nobody else's."""
        part = self._parts.get(request.host, Part({}))
        foreign = [value for key, value in self._secrets.items() if key not in part.keys]
        shown = request.head
        if any(value in shown for value in foreign) or self.issuer.strays(request.host, shown):
            self.seen.leaks += 1
        if not part.keys and not part.signs_in:
            return True
        known = self._has_token(request) if part.signs_in else self._has_secret(request, part)
        self.seen.verified += known
        self.seen.wrong += not known
        return known

    def _has_token(self, request: _Request) -> bool:
        grant = self.issuer.bearer(request.headers.get("authorization", ""))
        return grant is not None and grant.host == request.host

    def _has_secret(self, request: _Request, part: Part) -> bool:
        values = {key: self._secrets.get(key, "") for key in part.keys}
        basic = base64.b64encode(f"{values[part.keys[0]]}:".encode()).decode()
        if part.in_path:
            return request.path.startswith(part.in_path.format(**values))
        wanted = part.expects.format(basic=basic, **values)
        return request.headers.get(part.header) == wanted


async def _read(reader: asyncio.StreamReader) -> _Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    host = headers.get("host", "").partition(":")[0]
    return _Request(method, host, path, headers, head, body)


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, more: Sequence[str] = ()
) -> None:
    writer.write(_head(status, f"Content-Length: {len(body)}", more=more) + body)
    await writer.drain()


async def _stream(
    writer: asyncio.StreamWriter, host: str, events: int, more: Sequence[str]
) -> None:
    writer.write(_head(200, "Transfer-Encoding: chunked", "text/event-stream", more))
    for number in range(events):
        data = answers.event(host, number, last=number == events - 1)
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await writer.drain()
        await asyncio.sleep(_EVENT_GAP_SECONDS)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _head(
    status: int, framing: str, content_type: str = "application/json", more: Sequence[str] = ()
) -> bytes:
    kind = f"Content-Type: {content_type}"
    lines = (f"HTTP/1.1 {status} Demo", kind, framing, "Server: demo", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _host_of(part: Part) -> str:
    return str(part.document["host"]).partition("/")[0]
