"""The soak's upstream, a process of its own: it does as a request's query says, and keeps count.

`python -m benchmarks.soak.upstream CERT KEY` prints `ready TLS_PORT PLAIN_PORT REPORT_PORT`. Who
connects to the last one gets a JSON report: requests seen by id, what was wrong, open connections.
"""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import json
import ssl
import sys
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from benchmarks.soak.names import PLACEHOLDER, REAL, SUBSTITUTED
from benchmarks.soak.wire import BLOCK, CLOSE, TEXT, Gone, Head, Line, chunked, frame

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Request:
    """One request: its head and query are read, its body is not."""

    def __init__(self, line: Line, head: Head) -> None:
        url = urlsplit(head.start[1])
        self.line, self.head, self.method = line, head, head.start[0]
        self.kind, _, self.id = url.path.strip("/").partition("/")
        self.query = dict(parse_qsl(url.query))
        self.credential = head.fields.get("authorization", "")

    def number(self, name: str) -> int:
        """A number of the query, 0 without."""
        return int(self.query.get(name, "0"))

    async def answer(self, body: bytes, *fields: str, status: str = "200 OK") -> None:
        """Send a response of known length."""
        await self.line.send(self.rendered(body, *fields, status=status))

    def rendered(self, body: bytes, *fields: str, status: str = "200 OK") -> bytes:
        """The response's bytes. Each repeats the request's id and the credential that came."""
        told = (f"X-Id: {self.id}", f"X-Echo: {self.credential}", f"Content-Length: {len(body)}")
        return "\r\n".join((f"HTTP/1.1 {status}", *told, *fields, "", "")).encode() + body


class Upstream:
    """Serves connections; `seen` counts requests by method and id."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.problems: list[str] = []
        self.open = 0
        self._routes: dict[str, Callable[[Request], Awaitable[bool]]] = {
            "get": self._get,
            "echo": self._echo,
            "sink": self._sink,
            "download": self._download,
            "sse": self._sse,
            "ws": self._websocket,
            "cut": self._cut,
            "early": self._early,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        self.open += 1
        line = Line(reader, writer)
        try:
            while await self._one(Request(line, await line.head())):
                pass
        except Gone:
            pass
        finally:
            self.open -= 1
            line.abort()

    async def report(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell the harness, and close."""
        told = {"seen": self.seen, "problems": self.problems[:20], "open": self.open}
        writer.write(json.dumps(told).encode())
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    async def _one(self, request: Request) -> bool:
        self.seen[f"{request.method} {request.id}"] += 1
        expected = "" if "bare" in request.query else f"Bearer {REAL}"
        if not request.credential.startswith(expected) or (request.credential and not expected):
            self._wrong(request, "credential")
        return await self._routes[request.kind](request)

    def _wrong(self, request: Request, what: str) -> None:
        self.problems.append(f"{request.kind} {request.id}: wrong {what}")

    # --- routes: each answers whether the connection goes on ---------------------------------

    async def _get(self, request: Request) -> bool:
        text = json.dumps({"id": request.id, "echo": request.credential, "list": list(range(20))})
        await asyncio.sleep(request.number("ms") / 1000)
        await request.answer(text.encode(), "Content-Type: application/json")
        return True

    async def _echo(self, request: Request) -> bool:
        """The body comes back. In it the placeholder must have been replaced."""
        body = await request.line.body(request.head)
        if PLACEHOLDER.encode() in body or SUBSTITUTED.encode() not in body:
            self._wrong(request, "substitution")
        await request.answer(body, "Content-Type: application/json")
        return True

    async def _sink(self, request: Request) -> bool:
        body = await request.line.body(request.head)
        await request.answer(b"%d" % zlib.crc32(body))
        return True

    async def _download(self, request: Request) -> bool:
        body = (request.id.encode() + b" is what this is all about\n") * (
            request.number("size") // 40
        )
        fields = ["Content-Type: text/plain", f"X-Crc: {zlib.crc32(body)}"]
        if "gzip" in request.query:
            fields.append("Content-Encoding: gzip")
            body = gzip.compress(body, 1)
        whole = request.rendered(body, *fields)
        for start in range(0, len(whole), BLOCK):
            await request.line.send(whole[start : start + BLOCK])
        return True

    async def _sse(self, request: Request) -> bool:
        line = request.line
        head = f"HTTP/1.1 200 OK\r\nX-Id: {request.id}\r\nContent-Type: text/event-stream\r\n"
        await line.send((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for number in range(request.number("n")):
            await asyncio.sleep(request.number("ms") / 1000)
            if line.reader.at_eof() or number == request.number("cut") > 0:
                raise Gone
            event = f"data: {number} {request.credential}\n\n".encode()
            await line.send(b"%x\r\n%b\r\n" % (len(event), event))
        await line.send(b"0\r\n\r\n")
        return True

    async def _websocket(self, request: Request) -> bool:
        """Text comes back, the placeholder in it replaced."""
        line, key = request.line, request.head.fields.get("sec-websocket-key", "")
        accept = base64.b64encode(hashlib.sha1((key + _WEBSOCKET).encode()).digest()).decode()
        head = f"HTTP/1.1 101 Switching Protocols\r\nX-Id: {request.id}\r\nUpgrade: websocket\r\n"
        await line.send(
            f"{head}Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        while True:
            opcode, text = await line.message()
            if opcode == TEXT and (
                PLACEHOLDER.encode() in text or SUBSTITUTED.encode() not in text
            ):
                self._wrong(request, "substitution in a frame")
            await line.send(frame(text, opcode=opcode, masked=False))
            if opcode == CLOSE:
                return False

    async def _cut(self, request: Request) -> bool:
        """The answer ends after `at` bytes, anywhere."""
        await request.line.body(request.head)
        head = f"HTTP/1.1 200 OK\r\nX-Id: {request.id}\r\nTransfer-Encoding: chunked\r\n\r\n"
        await request.line.send((head.encode() + chunked(b"x" * 900, 100))[: request.number("at")])
        request.line.abort(reset="reset" in request.query)
        return False

    async def _early(self, request: Request) -> bool:
        """An answer before the body was read, and then the end."""
        await request.answer(b"no", "Connection: close", status="413 Content Too Large")
        return False


async def main(cert: str, key: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    upstream = Upstream()
    servers = [
        await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context, backlog=1024),
        await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=1024),
        await asyncio.start_server(upstream.report, "127.0.0.1", 0),
    ]
    print("ready", *(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
