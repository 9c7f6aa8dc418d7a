"""WebSocket messages from the upstream: scrubbed, however framed, fragmented and cut."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from proxy_core.domain.exchange import Injection
from proxy_core.mitm.http1 import ProtocolError
from proxy_core.mitm.scrub import Secret, compile_scrubber
from proxy_core.mitm.scrub.frames import FrameScrubber
from tests.mitm.rig import HOST, client_tls, read_request, request, rig, upstream_tls
from tests.mitm.scrub.oracle import PLACEHOLDER

TOKEN = b"sk-live-0123456789"
SCRUB = compile_scrubber([Secret(PLACEHOLDER, TOKEN)])
assert SCRUB is not None
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

payloads = st.lists(st.sampled_from([TOKEN, TOKEN[:9], b"text", bytes(150)]), max_size=6).map(
    b"".join
)


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """One frame of a server."""
    size = len(payload)
    first = bytes([opcode | (0x80 if final else 0)])
    if size < 126:
        return first + bytes([size]) + payload
    if size < 1 << 16:
        return first + b"\x7e" + size.to_bytes(2) + payload
    return first + b"\x7f" + size.to_bytes(8) + payload


def frames_of(data: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """Opcode, FIN and payload of each whole frame."""
    at = 0
    while at < len(data):
        opcode, final, size = data[at] & 15, bool(data[at] & 128), data[at + 1]
        at += 2
        if size > 125:
            width = 2 if size == 126 else 8
            size = int.from_bytes(data[at : at + width])
            at += width
        assert at + size <= len(data)
        yield opcode, final, data[at : at + size]
        at += size


def messages_of(data: bytes) -> list[tuple[int, bytes]]:
    """Whole messages, and control frames before the message that they came in."""
    found: list[tuple[int, bytes]] = []
    kind, text = 0, b""
    for opcode, final, payload in frames_of(data):
        if opcode >= 8:
            found.append((opcode, payload))
            continue
        assert (opcode == 0) == (kind != 0)
        kind, text = kind or opcode, text + payload
        if final:
            found.append((kind, text))
            kind, text = 0, b""
    assert not kind
    return found


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), payloads, st.lists(st.integers(0, 900)))),
    st.lists(st.integers(0, 10_000), max_size=20),
)
def test_messages_are_scrubbed_whole(
    messages: list[tuple[int, bytes, list[int]]], cuts: list[int]
) -> None:
    """Across fragments with pings between them, and wherever the bytes are cut."""
    wire, expected = b"", []
    for kind, payload, breaks in messages:
        places = [0, *sorted(at % (len(payload) + 1) for at in breaks), len(payload)]
        last = len(places) - 2
        for number, (begin, end) in enumerate(itertools.pairwise(places)):
            wire += frame(0 if number else kind, payload[begin:end], number == last)
            if number != last:
                wire += frame(PING, b"p")
                expected.append((PING, b"p"))
        expected.append((kind, SCRUB.whole(payload)))
    places = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    scrubber = FrameScrubber(SCRUB)
    out = b"".join(scrubber.feed(wire[a:b]) for a, b in itertools.pairwise(places))
    assert messages_of(out) == expected


def test_what_has_come_of_a_message_goes_on() -> None:
    """A fragment of its own for each piece: a large message is neither held nor delayed."""
    scrubber = FrameScrubber(SCRUB)
    wire = frame(TEXT, b"x" * 70_000 + TOKEN)
    first = scrubber.feed(wire[:40_000])
    assert list(frames_of(first)) == [(TEXT, False, b"x" * (40_000 - 10))]
    rest = scrubber.feed(wire[40_000:])
    assert messages_of(first + rest) == [(TEXT, b"x" * 70_000 + PLACEHOLDER)]


def test_control_frames_are_scrubbed_and_stay_small() -> None:
    """A close frame's code stays; no payload grows beyond 125 bytes."""
    scrubber = FrameScrubber(SCRUB)
    assert scrubber.feed(frame(CLOSE, b"\x03\xe8" + TOKEN)) == frame(
        CLOSE, b"\x03\xe8" + PLACEHOLDER
    )
    long = compile_scrubber([Secret(b"_" * 100, b"abcdef")])
    assert long is not None
    out = FrameScrubber(long).feed(frame(PONG, b"abcdef" * 20))
    assert [len(payload) for _, _, payload in frames_of(out)] == [125]


@pytest.mark.parametrize(
    "wire",
    [
        b"\xc1\x00",
        b"\x81\x80abcd",
        b"\x80\x00",
        b"\x83\x00",
        b"\x8b\x00",
        b"\x09\x00",
        b"\x89\x7e\x00\x7e",
        b"\x01\x00\x81\x00",
        b"\x82\x7f\xff" + bytes(7),
        b"\x88\x01a",
        b"\x88\x12" + TOKEN,
        b"\x88\x02\x03\xe7",
        b"\x88\x02\x13\x88",
    ],
    ids=[
        "reserved",
        "masked",
        "stray",
        "unknown",
        "control",
        "cut ping",
        "big ping",
        "in",
        "huge",
        "close with half a code",
        "close with a secret as code",
        "a code too low",
        "a code too high",
    ],
)
def test_frames_that_make_no_sense_end_the_connection(wire: bytes) -> None:
    """What can't be read in one way only is not passed on."""
    with pytest.raises(ProtocolError):
        FrameScrubber(SCRUB).feed(wire)


async def test_a_real_server_echoes_and_a_real_client_sees_placeholders(tmp_path: Path) -> None:
    """Through TLS on both sides; compression was not agreed on; pings work."""

    async def tell(connection: ServerConnection) -> None:
        offered = connection.request.headers.get("Sec-WebSocket-Extensions", "none")
        token = connection.request.headers["Authorization"]
        await connection.send(f"{offered} {token}")
        await connection.send([token[:20], token[20:], "x" * 100_000])
        await connection.send(token.encode())
        async for message in connection:
            await connection.send(message)

    async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise AssertionError("the upstream of the rig is not used")

    async with serve(tell, "127.0.0.1", 0, ssl=upstream_tls(HOST)) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with rig(tmp_path, never, connect_to=f"::127.0.0.1:{port}") as proxy:
            proxy.broker.injection = Injection(((b"Authorization", b"Key " + TOKEN),), scrub=SCRUB)
            async with connect(
                f"wss://{HOST}/ws",
                ssl=client_tls(),
                proxy=f"http://token:@127.0.0.1:{proxy.port}",
            ) as client:
                assert await client.recv() == "none Key __KEY__"
                assert await client.recv() == "Key __KEY__" + "x" * 100_000
                assert await client.recv() == b"Key __KEY__"
                await (await client.ping())
                await client.send("an echo of " + TOKEN.decode())
                assert await client.recv() == "an echo of __KEY__"


async def test_an_extension_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    """502 response_unreadable instead of frames that can't be read."""

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        assert b"sec-websocket-extensions" not in head.lower()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        await reader.read()

    ask = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    )
    async with rig(tmp_path, upstream) as proxy:
        proxy.broker.injection = Injection(scrub=SCRUB)
        client = await proxy.secure()
        await client.send(request(extra=ask))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b"response_unreadable" in head
