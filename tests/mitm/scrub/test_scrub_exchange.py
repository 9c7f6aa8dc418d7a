"""Scrubbing over real sockets: upstreams that echo the injected secret, in every way they can."""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from gzip import compress as gzip
from pathlib import Path

import brotli
import pytest
from backports import zstd

from proxy_core.domain.exchange import Injection
from proxy_core.mitm.scrub import Secret, compile_scrubber
from tests.mitm.rig import Client, Rig, absolute, read_request, request, rig
from tests.mitm.scrub.oracle import PLACEHOLDER, spellings

TOKEN = b"sk-live-0123456789/abc+def"
SCRUB = compile_scrubber([Secret(PLACEHOLDER, TOKEN)])
INJECTION = Injection(headers=((b"Authorization", b"Bearer " + TOKEN),), scrub=SCRUB)
TEXT = b'{"you sent": "' + TOKEN + b'"}'
CLEAN = b'{"you sent": "__KEY__"}'


def raw_deflate(data: bytes) -> bytes:
    """As some servers understand `deflate`."""
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip,
    "x-gzip": lambda data: gzip(data[:7]) + gzip(data[7:]),
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": lambda data: zstd.compress(data[:9]) + zstd.compress(data[9:]),
}


class Answering:
    """Answers every request with the next of its answers, cut as it says."""

    def __init__(self, *answers: bytes, cut: int = 1 << 20, close: bool = False) -> None:
        self.answers, self.cut, self.close = list(answers), cut, close
        self.seen: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self.answers:
            head, _ = await read_request(reader)
            self.seen.append(head)
            answer = self.answers.pop(0)
            for at in range(0, len(answer), self.cut):
                writer.write(answer[at : at + self.cut])
                await writer.drain()
                await asyncio.sleep(0)
            if self.close:
                return


@asynccontextmanager
async def scrubbing(tmp_path: Path, handler: Answering) -> AsyncIterator[Rig]:
    """A proxy that injects the token and scrubs it."""
    async with rig(tmp_path, handler) as proxy:
        proxy.broker.injection = INJECTION
        yield proxy


async def body_of(client: Client, head: bytes) -> tuple[bytes, bytes]:
    """A response's body, whatever its framing, and its trailer section."""
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = b""
        async with asyncio.timeout(30):
            while size := int(await client.reader.readline(), 16):
                body += await client.reader.readexactly(size)
                assert await client.reader.readexactly(2) == b"\r\n"
            trailers = b""
            while (line := await client.reader.readline()) != b"\r\n":
                trailers += line
        return body, trailers
    if b"content-length:" in lower:
        return await client.exactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0])), b""
    return await client.rest(), b""


async def ask(client: Client, message: bytes = request()) -> tuple[bytes, bytes, bytes]:
    """Head, body and trailer section of the answer."""
    await client.send(message)
    head = await client.head()
    return head, *await body_of(client, head)


def with_length(body: bytes, fields: bytes = b"") -> bytes:
    """A response with a Content-Length."""
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


def in_chunks(body: bytes, fields: bytes = b"", size: int = 5, trailers: bytes = b"") -> bytes:
    """A chunked response."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n" % fields
    return b"%b%b0\r\n%b\r\n" % (head, chunks, trailers)


@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
@pytest.mark.parametrize("framed", ["length", "chunked", "close"])
@pytest.mark.parametrize("coding", CODINGS)
async def test_every_coding_in_every_framing(
    tmp_path: Path, coding: str, framed: str, cut: int
) -> None:
    """The client gets the text with the placeholder, decoded, framed anew; nothing of the token."""
    fields = b"Content-Encoding: %b\r\nContent-MD5: x\r\n" % coding.encode()
    coded = CODINGS[coding](TEXT)
    answer = {
        "length": with_length(coded, fields),
        "chunked": in_chunks(coded, fields),
        "close": b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + coded,
    }[framed]
    async with scrubbing(tmp_path, Answering(answer, cut=cut, close=True)) as proxy:
        head, body, _ = await ask(await proxy.secure())
        assert body == CLEAN
        assert (b"Content-Encoding" in head) == (coding == "identity")
        assert b"Content-MD5" not in head


@pytest.mark.parametrize("kind", spellings(TOKEN))
async def test_every_spelling_in_a_body(tmp_path: Path, kind: str) -> None:
    """Cut into single bytes on the way, too."""
    body = b"<" + spellings(TOKEN)[kind] + b">"
    handler = Answering(with_length(body), in_chunks(body, size=1), cut=3)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        assert (await ask(client))[1] == b"<__KEY__>"
        assert (await ask(client))[1] == b"<__KEY__>"
        assert handler.connections == 1


async def test_a_small_body_keeps_a_length_and_a_large_one_is_chunked(tmp_path: Path) -> None:
    """The new length where the body could be read whole first; else no length can be known."""
    large = TOKEN + bytes(200_000) + TOKEN
    handler = Answering(with_length(TEXT), with_length(large), with_length(b""), cut=50_000)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        head, body, _ = await ask(client)
        assert b"Content-Length: %d\r\n" % len(CLEAN) in head
        assert b"Transfer-Encoding" not in head
        head, body, _ = await ask(client)
        assert b"Content-Length" not in head
        assert body == PLACEHOLDER + bytes(200_000) + PLACEHOLDER
        head, body, _ = await ask(client)
        assert b"Content-Length: 0\r\n" in head
        assert handler.connections == 1


async def test_heads_and_trailers(tmp_path: Path) -> None:
    """Reason, interim answers, field names and values, trailers: all without the token."""
    reason = TOKEN.replace(b"/", b"").replace(b"+", b"")
    fields = b"Location: https://a.test/?k=%b\r\nSet-Cookie: t=%b; Path=/\r\nTrailer: X-T\r\n" % (
        b"sk-live-0123456789%2Fabc%2bdef",
        TOKEN,
    )
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </%b>\r\n\r\n" % TOKEN
    answer = in_chunks(b"x", fields, trailers=b"X-T: %b\r\n" % TOKEN)
    answer = answer.replace(b"200 OK", b"200 %b %b" % (TOKEN, reason))
    async with scrubbing(tmp_path, Answering(early + answer)) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert b"Link: </__KEY__>\r\n" in await client.head()
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200 __KEY__ " + reason)
        assert b"Location: https://a.test/?k=__KEY__\r\n" in head
        assert b"Set-Cookie: t=__KEY__; Path=/\r\n" in head
        assert await body_of(client, head) == (b"x", b"X-T: __KEY__\r\n")


DIGESTS = b"Content-MD5: a\r\ncontent-digest: b\r\nRepr-Digest: c\r\nDigest: d\r\n"


@pytest.mark.parametrize(
    ("body", "kept"), [(b'{"no": "secret"}', 4), (TEXT, 0), (bytes(2 << 20), 0)]
)
async def test_digests_of_what_was_not_sent_are_left_out(
    tmp_path: Path, body: bytes, kept: int
) -> None:
    """They stay only where the whole body is known to go on as it came; an ETag always does."""
    fields = DIGESTS + b'ETag: "x"\r\nAccept-Ranges: bytes\r\n'
    async with scrubbing(tmp_path, Answering(with_length(body, fields))) as proxy:
        head, _, _ = await ask(await proxy.secure())
        lower = head.lower()
        assert sum(lower.count(name) for name in (b"content-md5:", b"digest:")) == kept
        assert b'ETag: "x"\r\n' in head
        assert b"accept-ranges" not in lower


@pytest.mark.parametrize(
    ("coding", "body", "kept"),
    [("identity", b"no secret", True), ("identity", TEXT, False), ("gzip", b"no secret", False)],
)
async def test_digests_in_trailers(tmp_path: Path, coding: str, body: bytes, kept: bool) -> None:
    """By then it is known whether anything was replaced; other trailers stay."""
    fields = b"Content-Encoding: %b\r\n" % coding.encode()
    trailers = b"Repr-Digest: c\r\nX-Other: 1\r\n"
    answer = in_chunks(CODINGS[coding](body), fields, trailers=trailers)
    async with scrubbing(tmp_path, Answering(answer, cut=7)) as proxy:
        _, _, got = await ask(await proxy.secure())
        assert got == (trailers if kept else b"X-Other: 1\r\n")


async def test_answers_without_a_body_announce_what_a_get_would_bring(tmp_path: Path) -> None:
    """HEAD and 304: a coding would be taken off, and the coded length means nothing then."""
    coded = b'Content-Encoding: gzip\r\nContent-Length: 77\r\nETag: "a"\r\n\r\n'
    plain = coded.replace(b"gzip", b"identity").replace(b"\r\n\r\n", b"\r\n" + DIGESTS + b"\r\n")
    handler = Answering(
        b"HTTP/1.1 200 OK\r\n" + coded,
        b"HTTP/1.1 304 Not Modified\r\n" + coded,
        b"HTTP/1.1 200 OK\r\n" + plain,
    )
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        for method, announced in ((b"HEAD", False), (b"GET", False), (b"HEAD", True)):
            await client.send(request(method=method))
            head = await client.head()
            assert (b"Content-Encoding:" in head) == announced
            assert (b"Content-Length: 77\r\n" in head) == announced
            assert b'ETag: "a"\r\n' in head
            assert b"igest" not in head
            assert b"MD5" not in head


async def test_answers_without_a_body(tmp_path: Path) -> None:
    """HEAD, 204 and 304 have nothing to scrub but their heads, and the connection goes on."""
    announced = b'Content-Length: 77\r\nETag: "a"\r\nX: %b\r\n\r\n' % TOKEN
    handler = Answering(
        b"HTTP/1.1 200 OK\r\n" + announced,
        b"HTTP/1.1 304 Not Modified\r\n" + announced,
        b"HTTP/1.1 204 No Content\r\nX: %b\r\n\r\n" % TOKEN,
        with_length(b"end"),
    )
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        for method in (b"HEAD", b"GET"):
            await client.send(request(method=method))
            head = await client.head()
            assert b'Content-Length: 77\r\nETag: "a"\r\nX: __KEY__' in head
        await client.send(request())
        assert b"X: __KEY__\r\n" in await client.head()
        assert (await ask(client))[1] == b"end"


async def test_only_what_can_be_read_is_asked_for(tmp_path: Path) -> None:
    """Unknown codings, ranges and WebSocket extensions don't reach the upstream."""
    handler = Answering(*[with_length(b"ok", b"Accept-Ranges: bytes\r\n")] * 3)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        asked = b"Accept-Encoding: GZIP;q=0.5, dcz, zstd, *, compress\r\nRange: bytes=3-9\r\n"
        head, _, _ = await ask(client, request(extra=asked + b'If-Range: "a"\r\n'))
        assert b"Accept-Ranges" not in head
        await ask(client, request(extra=b"Accept-Encoding: compress\r\n"))
        await ask(client, request())
        first, second, third = handler.seen
        assert b"Accept-Encoding: GZIP;q=0.5, zstd\r\n" in first
        assert b"ange:" not in first
        assert b"Accept-Encoding: identity\r\n" in second
        assert b"Accept-Encoding" not in third


UNREADABLE = {
    "unknown coding": with_length(b"abc", b"Content-Encoding: compress\r\n"),
    "two codings": with_length(b"abc", b"Content-Encoding: gzip, br\r\n"),
    "a part": with_length(b"abc", b"Content-Range: bytes 0-2/9\r\n").replace(b"200 OK", b"206 P"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_what_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    """502 response_unreadable; with the operator's leave it passes, its head scrubbed."""
    answer = UNREADABLE[kind].replace(b"\r\n\r\n", b"\r\nX: %b\r\n\r\n" % TOKEN)
    handler = Answering(answer, close=True)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        head, body, _ = await ask(client)
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"X-Vault-Proxy-Error: response_unreadable\r\n" in head
        assert TOKEN not in head + body
        handler.answers.append(answer)
        proxy.configure(allow_unreadable=True)
        head, body, _ = await ask(client)
        assert body == b"abc"
        assert b"X: __KEY__\r\n" in head
        assert (await proxy.broker.wait_records(2))[0].error_code == "response_unreadable"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("harm", ["garbage", "truncated"])
async def test_broken_coded_data_is_a_visible_failure(
    tmp_path: Path, coding: str, harm: str
) -> None:
    """Never a clean end: 502 when nothing was sent yet, else the connection breaks."""
    coded = CODINGS[coding](TEXT * 50)
    broken = b"\x00garbage" * 9 if harm == "garbage" else coded[:-5]
    fields = b"Content-Encoding: %b\r\n" % coding.encode()
    async with scrubbing(tmp_path, Answering(with_length(broken, fields))) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert (await client.head()).startswith(b"HTTP/1.1 502 ")
        assert (await proxy.broker.wait_records(1))[0].error_code == "response_unreadable"
    coded = CODINGS[coding](random.Random(5).randbytes(600_000))
    handler = Answering(in_chunks(coded[:-5], fields, size=1 << 16))
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        await client.send(request())
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, ValueError)):
            await body_of(client, head)


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
async def test_events_leave_at_once(tmp_path: Path, coding: str) -> None:
    """Each event reaches the client before the upstream has sent the next one."""
    arrived = asyncio.Semaphore(0)
    deflater, brotlier = zlib.compressobj(wbits=31), brotli.Compressor()
    zstder = zstd.ZstdCompressor()
    flush: dict[str, Callable[[bytes], bytes]] = {
        "identity": bytes,
        "gzip": lambda data: deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH),
        "br": lambda data: brotlier.process(data) + brotlier.flush(),
        "zstd": lambda data: zstder.compress(data, zstder.FLUSH_BLOCK),
    }

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: %b\r\n\r\n"
        writer.write(head % coding.encode())
        for _ in range(5):
            writer.write(flush[coding](b"data: token is " + TOKEN + b"\n\n"))
            await writer.drain()
            async with asyncio.timeout(30):
                await arrived.acquire()

    async with rig(tmp_path, handler) as proxy:
        proxy.broker.injection = INJECTION
        client = await proxy.secure()
        await client.send(request())
        await client.head()
        event = b"data: token is __KEY__\n\n"
        for _ in range(5):
            chunk = b"%x\r\n%b\r\n" % (len(event), event)
            assert await client.exactly(len(chunk)) == chunk
            arrived.release()


async def test_a_bomb_flows_in_bounded_pieces(tmp_path: Path) -> None:
    """64 MiB out of 64 KiB reach the client whole, and no piece is large."""
    size = 64 << 20
    coded = gzip(bytes(size))
    fields = b"Content-Encoding: gzip\r\n"
    async with scrubbing(tmp_path, Answering(with_length(coded, fields))) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert b"chunked" in await client.head()
        total = largest = 0
        async with asyncio.timeout(60):
            while count := int(await client.reader.readline(), 16):
                largest = max(largest, count)
                total += len(await client.reader.readexactly(count + 2)) - 2
        assert total == size
        assert largest <= 1 << 20


async def test_a_client_of_http_1_0(tmp_path: Path) -> None:
    """No chunks: a length where it is known, else the end of the connection."""
    large = TOKEN + bytes(100_000)
    for answer, body in (
        (in_chunks(TEXT), CLEAN),
        (with_length(large), large.replace(TOKEN, PLACEHOLDER)),
    ):
        async with rig(tmp_path, Answering(answer), tls=None) as proxy:
            proxy.broker.injection = INJECTION
            client = await proxy.plain()
            await client.send(absolute().replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n"))
            head = await client.head()
            assert b"chunked" not in head
            assert (await body_of(client, head))[0] == body


async def test_the_rest_of_a_broken_body_is_no_clean_end(tmp_path: Path) -> None:
    """A body cut by the upstream breaks the client's connection as well."""
    answer = with_length(TOKEN + bytes(100_000))[:-1]
    async with scrubbing(tmp_path, Answering(answer, close=True)) as proxy:
        client = await proxy.secure()
        await client.send(request())
        head = await client.head()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError, ValueError)):
            await body_of(client, head)
