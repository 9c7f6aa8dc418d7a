"""Placeholders in request bodies, over real sockets: what the upstream gets, and when not."""

import asyncio
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from tests.mitm.rig import Client, Echo, Rig, read_request, request, rig, until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
VALUE = b'se"cr&t \xc3\xa9'
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = b"Content-Type: application/json; charset=utf-8\r\n"
TEXT = b"Content-Type: text/plain\r\n"
MIB = 1 << 20


def substitute(proxy: Rig, value: bytes = VALUE, *surfaces: Surface) -> None:
    """Let `__key__` stand for the value, in bodies if nothing else is said."""
    item = SecretSubstitution(b"__key__", value, frozenset(surfaces or (Surface.BODY,)))
    proxy.broker.injection = Injection(substitutions=(item,))


def post(body: bytes, extra: bytes = b"", path: bytes = b"/") -> bytes:
    """A POST with a length."""
    return request(path, b"POST", extra + b"Content-Length: %d\r\n" % len(body)) + body


def chunked(*pieces: bytes, extra: bytes = b"", trailer: bytes = b"") -> bytes:
    """A POST in chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = request(b"/", b"POST", extra + b"Transfer-Encoding: chunked\r\n")
    return head + body + b"0\r\n" + trailer + b"\r\n"


def length(head: bytes) -> int:
    """The one Content-Length of a head."""
    (line,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(line.split(b":")[1])


@pytest.mark.parametrize(
    ("kind", "body", "sent"),
    [
        (FORM, b"a=1&k=__key__", b"a=1&k=" + quote(VALUE, safe="").encode()),
        (JSON, b'{"k": "__key__"}', b'{"k": "se\\"cr&t \xc3\xa9"}'),
        (TEXT, b"k: __key__ __key__", b"k: " + VALUE + b" " + VALUE),
        (b"", b"k: __key__", b"k: " + VALUE),
    ],
    ids=["form", "json", "text", "untyped"],
)
async def test_each_kind_of_body(tmp_path: Path, kind: bytes, body: bytes, sent: bytes) -> None:
    """The upstream gets the value encoded for its place, under the new length; chunks likewise."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        await client.send(post(body, kind))
        assert (await client.response())[0] == 200
        await client.send(chunked(*(bytes((byte,)) for byte in body), extra=kind))
        assert (await client.response())[0] == 200
        for head, got in echo.seen:
            assert got == sent
            assert length(head) == len(sent)
            assert b"transfer-encoding" not in head.lower()
        records = await proxy.broker.wait_records(2)
        assert [record.bytes_up for record in records] == [len(body)] * 2
        assert echo.connections == 1


DIGESTS = b"Content-MD5: a\r\ncontent-digest: b\r\nRepr-Digest: c\r\nDigest: d\r\n"


@pytest.mark.parametrize(("body", "kept"), [(b"k: __key__", False), (b"k: none", True)])
async def test_digests_of_the_body_before(tmp_path: Path, body: bytes, kept: bool) -> None:
    """They would be wrong of one with a value in it, and stay with one that has none."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        for message in (post(body, TEXT + DIGESTS), chunked(body, extra=TEXT + DIGESTS)):
            await client.send(message)
            assert (await client.response())[0] == 200
        for head, _ in echo.seen:
            assert (b"content-md5: a" in head.lower()) == kept
            assert (b"digest" in head.lower()) == kept


@pytest.mark.parametrize(
    "extra",
    [
        b"Content-Type: multipart/form-data; boundary=x\r\n",
        b"Content-Type: application/octet-stream\r\n",
        JSON + b"Content-Encoding: gzip\r\n",
    ],
    ids=["multipart", "binary", "compressed"],
)
async def test_bodies_that_are_left_alone(tmp_path: Path, extra: bytes) -> None:
    """They pass as they came, chunks and trailers included."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        await client.send(post(b"__key__", extra))
        await client.response()
        await client.send(chunked(b"__key__", extra=extra, trailer=b"X-Sum: 1\r\n"))
        await client.response()
        assert [body for _, body in echo.seen] == [
            b"__key__",
            b"7\r\n__key__\r\n0\r\nX-Sum: 1\r\n\r\n",
        ]


async def test_an_injected_type_decides(tmp_path: Path) -> None:
    """The upstream reads the body by the header that it gets."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        item = SecretSubstitution(b"__key__", VALUE, frozenset({Surface.BODY}))
        fields = ((b"Content-Type", b"application/json"),)
        proxy.broker.injection = Injection(fields, (item,))
        client = await proxy.secure()
        await client.send(post(b'{"k": "__key__"}', FORM))
        assert (await client.response())[0] == 200
        assert json.loads(echo.seen[0][1]) == {"k": VALUE.decode()}


async def test_a_body_without_the_declared_surface_streams(tmp_path: Path) -> None:
    """A placeholder that is declared elsewhere stays, and nothing waits for the body's end."""
    arrived = asyncio.Event()

    async def watching(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n__key__")
        arrived.set()
        await reader.readexactly(3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with rig(tmp_path, watching) as proxy:
        substitute(proxy, VALUE, Surface.QUERY, Surface.HEADER, Surface.PATH)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", TEXT + b"Content-Length: 10\r\n") + b"__key__")
        await asyncio.wait_for(arrived.wait(), 30)
        await client.send(b"end")
        assert (await client.response())[0] == 200


async def test_a_large_body_in_pieces(tmp_path: Path) -> None:
    """Sixteen megabytes with a placeholder across every border arrive whole."""
    piece = b"x" * 65530 + b"__key__"
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy, b"v")
        client = await proxy.secure()
        await client.send(post(piece * 256, TEXT))
        assert (await client.response())[0] == 200
        assert echo.seen[0][1] == (b"x" * 65530 + b"v") * 256
        assert proxy.memory_used == 0


async def test_pipelined_requests_keep_their_bodies(tmp_path: Path) -> None:
    """What comes behind a gathered body is the next request."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy, b"v")
        client = await proxy.secure()
        await client.send(b"".join(post(b"%d __key__" % at, TEXT) for at in range(5)))
        for _ in range(5):
            assert (await client.response())[0] == 200
        assert [body for _, body in echo.seen] == [b"%d v" % at for at in range(5)]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_the_limit(tmp_path: Path, announced: bool) -> None:
    """413 with the limit in it, nothing sent; announced lengths at once."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        proxy.configure(substitution_limit=1000)
        client = await proxy.secure()
        if announced:
            await client.send(request(b"/", b"POST", TEXT + b"Content-Length: 1001\r\n"))
        else:
            await client.send(chunked(*[b"x" * 100] * 11, extra=TEXT)[:-5])
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 413 ")
        problem = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        assert problem["code"] == "request_too_large"
        assert "1000 bytes" in problem["detail"]
        assert not echo.connections
        assert proxy.memory_used == 0


async def test_a_body_that_grows_beyond_the_limit(tmp_path: Path) -> None:
    """The limit counts for the result too; the client's connection can carry on."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy, b"v" * 100)
        proxy.configure(substitution_limit=1000)
        client = await proxy.secure()
        await client.send(post(b"__key__" * 11, TEXT))
        status, _, body = await client.response()
        assert (status, json.loads(body)["code"]) == (413, "request_too_large")
        await client.send(post(b"__key__" * 10, TEXT))
        assert (await client.response())[0] == 200
        assert len(echo.seen) == 1


async def test_too_many_bodies_at_once(tmp_path: Path) -> None:
    """Beyond what may be held over all requests: 503, and nothing sent."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        proxy.configure(body_memory=100)
        client = await proxy.secure()
        await client.send(post(b"x" * 200, TEXT))
        status, _, body = await client.response()
        assert (status, json.loads(body)["code"]) == (503, "overloaded")
        assert not echo.connections
        assert proxy.memory_used == 0


@pytest.mark.parametrize("value", [b"a\r\nb", b"a\x00b"])
async def test_a_value_that_can_not_stand_there(tmp_path: Path, value: bytes) -> None:
    """502 substitution_invalid and nothing sent, found at the very end of a long body."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy, value)
        client = await proxy.secure()
        await client.send(post(b"x" * MIB + b"__key__", TEXT))
        status, _, body = await client.response()
        assert (status, json.loads(body)["code"]) == (502, "substitution_invalid")
        assert not echo.connections
        await client.send(post(b'"__key__"', JSON))
        assert (await client.response())[0] == 200
        assert json.loads(echo.seen[0][1]) == value.decode()


@pytest.mark.parametrize("framing", [b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n"])
async def test_expect_continue_is_answered_here(tmp_path: Path, framing: bytes) -> None:
    """The client is told to go on, once, and the upstream gets the body without being asked."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy, b"v")
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", TEXT + b"Expect: 100-continue\r\n" + framing))
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        chunks = b"7\r\n__key__\r\n0\r\n\r\n" if b"chunked" in framing else b"__key__"
        await client.send(chunks)
        status, _, _ = await client.response()
        assert status == 200
        head, body = echo.seen[0]
        assert body == b"v"
        assert b"expect" not in head.lower()


async def test_expect_of_a_body_that_is_too_large(tmp_path: Path) -> None:
    """The client is spared the sending."""
    async with rig(tmp_path, Echo()) as proxy:
        substitute(proxy)
        proxy.configure(substitution_limit=1000)
        client = await proxy.secure()
        extra = TEXT + b"Expect: 100-continue\r\nContent-Length: 1001\r\n"
        await client.send(request(b"/", b"POST", extra))
        assert (await client.rest()).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_leaves_in_the_middle(tmp_path: Path) -> None:
    """Nothing was sent, nothing is held, and the record says so."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        head = request(b"/", b"POST", TEXT + b"Content-Length: 1000\r\n")
        await client.send(head + b"x" * 500)
        await until(lambda: proxy.memory_used >= 490)
        client.abort()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert not echo.connections
        assert proxy.memory_used == 0


async def test_a_malformed_chunk_in_the_middle(tmp_path: Path) -> None:
    """400, and nothing was sent."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        await client.send(chunked(b"__key__", extra=TEXT)[:-5] + b"zz\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert not echo.connections


async def _early(client: Client) -> bytes:
    await client.send(post(b"x" * (16 * MIB), TEXT))
    return await client.rest()


async def test_an_early_response(tmp_path: Path) -> None:
    """An upstream that answers and stops reading is not waited for; its answer passes."""

    async def hasty(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(60)

    async with rig(tmp_path, hasty) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        answer = await asyncio.wait_for(_early(client), 30)
        assert answer.startswith(b"HTTP/1.1 403 No\r\n")
        assert answer.endswith(b"no")
        assert proxy.proxy.idle_upstreams == 0


async def test_a_stale_connection_gets_the_whole_body_again(tmp_path: Path) -> None:
    """A kept connection that ends under a PUT: the body goes out once more on a new one."""
    seen: list[bytes] = []

    async def moody(reader: Reader, writer: Writer) -> None:
        _, body = await read_request(reader)
        seen.append(body)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")

    async with rig(tmp_path, moody) as proxy:
        substitute(proxy, b"v")
        client = await proxy.secure()
        for _ in range(2):
            put = post(b"x" * 200_000 + b"__key__", TEXT).replace(b"POST", b"PUT", 1)
            await client.send(put)
            assert (await client.response())[0] == 200
        assert seen == [b"x" * 200_000 + b"v"] * 2
        records = await proxy.broker.wait_records(2)
        assert [record.retries for record in records] == [0, 1]


async def test_no_secret_is_recorded(tmp_path: Path) -> None:
    """The record of a request with a substituted body holds no trace of the value."""
    async with rig(tmp_path, Echo()) as proxy:
        substitute(proxy)
        client = await proxy.secure()
        await client.send(post(b"__key__", TEXT))
        await client.response()
        (record,) = await proxy.broker.wait_records(1)
        assert "cr&t" not in repr(record)
        assert record.decision == "injected"
