"""WebSocket frames that no endpoint should send, from either side."""

import asyncio
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.mitm.http1 import ProtocolError
from proxy_core.mitm.http1.websocket import accept_for
from proxy_core.mitm.scrub import Secret, compile_scrubber
from proxy_core.mitm.scrub.frames import FrameScrubber
from proxy_core.mitm.websocket_frames import MAX_TEXT, ClientFrames, mask, text_frame
from tests.mitm.rig import Client, Rig, absolute, read_request, rig

TOKEN = b"sk-live-0123456789"
SCRUB = compile_scrubber([Secret(b"__KEY__", TOKEN)])
assert SCRUB is not None
SCRUBBED = Injection(headers=((b"Authorization", b"Bearer " + TOKEN),), scrub=SCRUB)
KEY = b"MDEyMzQ1Njc4OWFiY2RlZg=="
HANDSHAKE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: %b\r\n" % KEY
)
MASK = b"\x01\x02\x03\x04"
TAIL = b"\x81\x04evil"


def allowed(first: int, second: int, within: bool) -> bool:
    """Whether a server may begin a frame so, in or outside of a message (RFC 6455 5.2 to 5.5)."""
    opcode, final = first & 15, first >= 128
    if first & 0x70 or second & 0x80 or opcode in range(3, 8) or opcode > 10:
        return False
    if opcode == 8 and second:
        return False  # `frame` puts no code into it
    if opcode >= 8:
        return final and second <= 125
    return (opcode == 0) == within


def frame(first: int, second: int) -> bytes:
    """A frame that begins with these bytes, whole."""
    size = {126: 130, 127: 140}.get(second & 127, second & 127)
    return b"".join(
        (bytes((first, second)), length(second, size), MASK * (second > 127), b"x" * size)
    )


def length(second: int, size: int) -> bytes:
    """The extended length that the second byte announces, if it does."""
    width = {126: 2, 127: 8}.get(second & 127)
    return size.to_bytes(width) if width else b""


def test_each_beginning_of_a_servers_frame() -> None:
    """All 65,536, outside of a message and within one: read by the rules, or the end."""
    for within, first, second in product((False, True), range(256), range(256)):
        scrubber = FrameScrubber(SCRUB)
        scrubber.feed(b"\x01\x01a" if within else b"")
        code = ""
        try:
            scrubber.feed(frame(first, second))
        except ProtocolError as error:
            code = error.code
        expected = "" if allowed(first, second, within) else "upstream_protocol"
        assert code == expected, (within, first, second)


def test_each_beginning_of_a_clients_frame() -> None:
    """All 65,536 pass as they came; the text behind them is read all the same."""
    name = b"__key__"
    following = text_frame(name, MASK)
    replaced = text_frame(b"value", MASK)
    for first, second in product(range(256), repeat=2):
        parser = ClientFrames(lambda text: b"value" if text == name else text, lambda: MASK)
        wire = frame(first, second)
        assert bytes(parser.feed(wire + following)) == wire + replaced, (first, second)


def test_placeholders_stand_in_no_other_frame() -> None:
    """Binary, control, fragmented, compressed, unmasked, oversized: the value is in none."""
    name = b"__key__"
    bodies = [name, name.ljust(126, b"x"), name.ljust(65536, b"x"), name.ljust(MAX_TEXT + 1, b"x")]
    for first, body, masked in product(range(256), bodies[:3], (False, True)):
        if first == 0x81 and masked:
            continue
        assert b"value" not in _unmasked(_sent(first, body, masked), masked)
    assert b"value" not in _unmasked(_sent(0x81, bodies[3], True), True)


def _sent(first: int, body: bytes, masked: bool) -> bytes:
    size = len(body)
    second = 128 * masked | (size if size < 126 else 126 if size < 65536 else 127)
    head = bytes((first, second)) + length(second, size)
    payload = MASK + mask(body, MASK) if masked else body
    parser = ClientFrames(lambda text: text.replace(b"__key__", b"value"), lambda: MASK)
    return bytes(parser.feed(head + payload))


def _unmasked(wire: bytes, masked: bool) -> bytes:
    """The payload, at each alignment of the mask."""
    return wire + b"".join(mask(wire[at:], MASK) for at in range(4)) if masked else wire


# --- over the wire ----------------------------------------------------------------------------


def hostile() -> Iterator[bytes]:
    """What a server sends to confuse: each followed by a proper message that must not arrive."""
    for first, second in product((0x81, 0x01, 0x82, 0x89, 0x88, 0x8A), (0x80, 0x85, 0xFE)):
        yield frame(first, second)  # masked
    for bits, opcode in product((0x10, 0x20, 0x40, 0x70), (0, 1, 2, 8, 9, 10)):
        yield frame(0x80 | bits | opcode, 2)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield frame(0x80 | opcode, 2)
        yield frame(opcode, 2)
    for code in (0, 999, 5000, 65535):
        yield b"\x88\x02" + code.to_bytes(2)
    yield b"\x88\x01\x03"
    yield b"\x88\x12" + TOKEN
    for opcode in (8, 9, 10):
        yield frame(opcode, 2)  # fragmented
        yield frame(0x80 | opcode, 126)
        yield frame(0x80 | opcode, 127)
    for start in (b"\x80\x00", b"\x00\x00", b"\x80\x05hello", b"\x80\x7e\x00\x05hello"):
        yield start  # nothing to continue
        yield b"\x81\x02hi" + start
    for inner in (b"\x81\x02hi", b"\x82\x02hi", b"\x01\x02hi", b"\x02\x00"):
        yield b"\x01\x02ab" + inner  # within another message
        yield b"\x02\x02ab\x89\x00" + inner
    yield b"\x81\x7f" + b"\xff" * 8
    yield b"\x81\x7f\x80" + bytes(7)
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    yield b"GET / HTTP/1.1\r\n\r\n"


class Frames:
    """An upstream that switches to WebSocket and sends what it is told, all in one write."""

    def __init__(self) -> None:
        self.sends = b""
        self.got = b""
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        switch = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        accept = b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept_for(KEY)
        writer.write(switch + accept + self.sends)
        self.got = await reader.read()
        self.ended.set()


async def opened(proxy: Rig) -> Client:
    """A WebSocket whose handshake is through."""
    client = await proxy.plain()
    await client.send(absolute(b"/ws", extra=HANDSHAKE))
    assert (await client.head()).startswith(b"HTTP/1.1 101 ")
    return client


async def received(client: Client) -> bytes:
    """Everything until the connection ends."""
    data = b""
    try:
        async with asyncio.timeout(30):
            while piece := await client.reader.read(65536):
                data += piece
    except ConnectionError:
        pass
    return data


async def test_hostile_frames_end_the_connection(tmp_path: Path) -> None:
    """A hundred of them: nothing behind one arrives, and the record blames the upstream."""
    corpus = list(hostile())
    assert len(corpus) > 80
    server = Frames()
    async with rig(tmp_path, server, tls=False) as proxy:
        proxy.broker.injection = SCRUBBED
        for number, data in enumerate(corpus):
            server.sends = data + TAIL
            got = await received(await opened(proxy))
            assert b"evil" not in got, data
            record = (await proxy.broker.wait_records(number + 1))[number]
            assert record.error_code == "upstream_protocol", data
            assert proxy.proxy.idle_upstreams == 0


async def test_a_secret_is_found_however_it_is_framed(tmp_path: Path) -> None:
    """Cut into fragments at each place, around pings, in long lengths, in pings and closes."""
    shapes = [
        b"\x81\x12" + TOKEN,
        b"\x81\x7e\x00\x12" + TOKEN,
        b"\x81\x7f" + bytes(7) + b"\x12" + TOKEN,
    ]
    shapes += [b"\x89\x12" + TOKEN, b"\x8a\x12" + TOKEN, b"\x88\x14\x03\xe8" + TOKEN]
    for cut, between in product(range(len(TOKEN) + 1), (b"", b"\x89\x00", b"\x00\x00")):
        first, rest = TOKEN[:cut], TOKEN[cut:]
        shapes.append(bytes((2, cut)) + first + between + bytes((0x80, len(rest))) + rest)
    singles = b"".join(bytes((int(not at), 1, byte)) for at, byte in enumerate(TOKEN))
    shapes.append(singles + b"\x80\x00")
    server = Frames()
    async with rig(tmp_path, server, tls=False) as proxy:
        proxy.broker.injection = SCRUBBED
        for shape in shapes:
            server.sends = shape + b"\x81\x03end"
            client = await opened(proxy)
            got = await client.reader.readuntil(b"\x81\x03end")
            client.abort()
            payload = b"".join(_payloads(got))
            assert b"__KEY__" in payload, shape
            assert TOKEN not in payload
            assert TOKEN[:6] not in payload


def _payloads(data: bytes) -> Iterator[bytes]:
    while data:
        size = data[1]
        yield data[2 : 2 + size]
        data = data[2 + size :]


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x07__key__",
        b"\xc1\x87" + MASK + mask(b"__key__", MASK),
        b"\x83\x00\xff" * 9,
        b"\x81\xff" + b"\xff" * 8 + MASK + b"__key__",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["unmasked", "compressed", "noise", "endless", "a request"],
)
async def test_hostile_frames_of_a_client_are_the_upstreams_to_refuse(
    tmp_path: Path, data: bytes
) -> None:
    """They reach it byte for byte, without any value in them, and no other connection."""
    item = SecretSubstitution(b"__key__", b"value", frozenset({Surface.WEBSOCKET}))
    server = Frames()
    async with rig(tmp_path, server, tls=False) as proxy:
        proxy.broker.injection = Injection(substitutions=(item,))
        client = await opened(proxy)
        await client.send(data)
        client.writer.write_eof()
        await asyncio.wait_for(server.ended.wait(), 30)
        assert server.got == data
