"""One agent: its token, its kept connections, and what it does all day."""

import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.soak.ledger import Entry, Ledger
from benchmarks.soak.names import PLAIN, REAL, SUBSTITUTED, SWITCHED
from benchmarks.soak.stage import Stage
from benchmarks.soak.wire import Answer, Gone, Head, Line

_KEPT, _KEPT_SECONDS = 8, 60.0
"""Idle connections of an agent, the longest unused is closed first; and for how long, which is
less than the proxy keeps them."""
_REFUSED = ("proxy_auth_required", "rate_limited")


class Wrong(Exception):
    """An agent saw what it must not see."""


class Refused(Exception):
    """The agent's token holds no more."""


def expect(holds: bool, what: object) -> None:
    """Raises Wrong."""
    if not holds:
        raise Wrong(str(what))


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes of a request to `host`."""

    host: str
    head: bytes
    body: bytes = b""


@dataclass(slots=True, eq=False)
class Agent:
    """`revocable`: its token ends now and then, and everything it has open with it."""

    name: str
    stage: Stage
    ledger: Ledger
    dice: random.Random
    revocable: bool = False
    _kept: list[tuple[str, float, Line]] = field(default_factory=list)

    async def connect(self, host: str) -> Line:
        """A connection for requests to `host`: a tunnel with TLS in it, or a plain one.

        Raises Gone, Refused.
        """
        line = Line(*await asyncio.open_connection(*self.stage.proxy))
        try:
            if host != PLAIN:
                await self._open_tunnel(line, host)
        except BaseException:
            line.abort()
            raise
        return line

    async def _open_tunnel(self, line: Line, host: str) -> None:
        fields = f"Host: {host}:443\r\n{self._authorization}"
        await line.send(f"CONNECT {host}:443 HTTP/1.1\r\n{fields}\r\n".encode())
        head = await line.head()
        self._check_token(head)
        expect(head.status == 200, head)
        try:
            await line.writer.start_tls(self.stage.trust, server_hostname=host)
        except OSError as error:
            raise Gone(str(error)) from None

    @property
    def _authorization(self) -> str:
        token = self.stage.tokens[self.name]
        value = base64.b64encode(f"{token}:default".encode()).decode()
        return f"Proxy-Authorization: Basic {value}\r\n"

    @asynccontextmanager
    async def line(self, host: str) -> AsyncIterator[Line]:
        """A kept connection or a new one. It is kept again unless something went wrong."""
        line = self._take(host) or await self.connect(host)
        try:
            yield line
        except BaseException:
            line.abort()
            raise
        if line.ended:
            line.abort()
        elif self.dice.random() < 0.95:
            self._kept.append((host, time.monotonic(), line))
            self.leave(_KEPT)
        else:
            line.close()

    def _take(self, host: str) -> Line | None:
        oldest = time.monotonic() - _KEPT_SECONDS
        for kept in self._kept:
            if kept[0] == host and kept[1] > oldest:
                self._kept.remove(kept)
                return kept[2]
        return None

    def leave(self, keep: int = 0) -> None:
        """Close the kept connections but the `keep` that were used last."""
        while len(self._kept) > keep:
            self._kept.pop(0)[2].close()

    def request(
        self,
        entry: Entry,
        host: str,
        target: str,
        *fields: str,
        method: str = "GET",
        body: bytes | None = None,
        framed: bytes | None = None,
    ) -> Request:
        """`target` is the route and its query: `get?ms=1`. `framed` is a chunked body's bytes."""
        kind, _, query = target.partition("?")
        path = f"/{kind}/{entry.id}" + (f"?{query}" if query else "")
        lines = [f"Host: {host}", *fields]
        if host == PLAIN:
            path = f"http://{host}{path}"
            lines.append(self._authorization.strip())
        if framed is not None:
            lines.append("Transfer-Encoding: chunked")
        elif body is not None:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", ""))
        return Request(host, head.encode(), framed or body or b"")

    async def ask(self, line: Line, entry: Entry, request: Request, pause: float = 0.0) -> Answer:
        """Send, and read the answer whole, with pauses. Raises Gone, Refused, Wrong."""
        entry.sent = True
        await line.send(request.head + request.body)
        return await self.answer(line, entry, request.host, pause)

    async def answer(self, line: Line, entry: Entry, host: str, pause: float = 0.0) -> Answer:
        """The answer to what was sent, checked to be this request's and free of secrets."""
        head = await self.head(line, entry, host)
        answer = Answer(head, await line.body(head, pause))
        if host != SWITCHED:
            expect(not shows_secret(answer.body), f"a secret in the body of {entry.id}")
        return answer

    async def head(self, line: Line, entry: Entry, host: str) -> Head:
        """The answer's head, checked likewise."""
        head = await line.head()
        entry.proven = True
        line.ended = head.fields.get("connection", "").lower() == "close"
        self._check_token(head)
        if "x-vault-proxy-error" not in head.fields:
            expect(head.fields.get("x-id") == entry.id, f"{entry.id} got {head.fields}")
        if host != SWITCHED:
            told = "\n".join(head.fields.values()).encode()
            expect(not shows_secret(told), f"a secret in the head of {entry.id}")
        return head

    def _check_token(self, head: Head) -> None:
        if self.revocable and head.fields.get("x-vault-proxy-error") in _REFUSED:
            raise Refused


def shows_secret(data: bytes) -> bool:
    """Whether a real value's beginning is in it."""
    return REAL.encode() in data or SUBSTITUTED.encode() in data
