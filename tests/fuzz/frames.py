"""WebSocket frames: those of clients that are rewritten, and those of servers that are scrubbed."""

from collections.abc import Iterator
from dataclasses import dataclass

from proxy_core.mitm.scrub import Secret, compile_scrubber
from proxy_core.mitm.scrub.frames import FrameScrubber
from proxy_core.mitm.websocket_frames import ClientFrames
from tests.fuzz.inputs import Input, outcome

_TOKEN = b"sk-live-0123"
_SCRUB = compile_scrubber([Secret(b"__KEY__", _TOKEN)])
_NEW_KEY = b"\x01\x02\x03\x04"


def check(data: bytes) -> None:
    """Any cutting gives the same frames, and only what should have changed has."""
    given = Input(data)
    _check_client(given)
    _check_server(given)


def _check_client(given: Input) -> None:
    def sent(pieces: Iterator[bytes], new: bytes) -> Iterator[bytes]:
        parser = ClientFrames(
            lambda text: text.replace(b"key", new) if b"key" in text else text, lambda: _NEW_KEY
        )
        for piece in pieces:
            yield bytes(parser.feed(piece))

    whole, _ = outcome(lambda: sent(iter([given.rest]), b"secret"))
    cut, _ = outcome(lambda: sent(given.pieces(given.rest), b"secret"))
    assert cut == whole
    same, _ = outcome(lambda: sent(iter([given.rest]), b"key"))
    before, after = list(_frames(same)), list(_frames(whole))
    assert len(before) == len(after), "a frame was lost or made"
    for frame, other in zip(before, after, strict=True):
        assert (frame.first, frame.masked, frame.whole) == (other.first, other.masked, other.whole)
        read = frame.first == 0x81 and frame.masked and frame.whole
        assert other.payload == (
            frame.payload.replace(b"key", b"secret") if read else frame.payload
        )


def _check_server(given: Input) -> None:
    def sent(pieces: Iterator[bytes]) -> Iterator[bytes]:
        assert _SCRUB is not None
        scrubber = FrameScrubber(_SCRUB)
        for piece in pieces:
            yield scrubber.feed(piece)

    whole, code = outcome(lambda: sent(iter([given.rest])))
    cut, cut_code = outcome(lambda: sent(given.pieces(given.rest)))
    assert cut_code == code
    if not code:
        assert _messages(cut) == _messages(whole)
    for opcode, payload in (*_messages(whole), *_messages(cut)):
        assert _TOKEN not in payload
        assert opcode < 8 or len(payload) <= 125


@dataclass(frozen=True)
class _Frame:
    """`payload` is without mask; `whole`: all of it is there."""

    first: int
    masked: bool
    whole: bool
    payload: bytes


def _frames(data: bytes) -> Iterator[_Frame]:
    """Each frame whose header is there."""
    at = 0
    while at + 2 <= len(data):
        first, size, masked = data[at], data[at + 1] & 127, data[at + 1] > 127
        at += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
        key = data[at : at + 4] if masked else bytes(4)
        at += 4 if masked else 0
        if at > len(data):
            return
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[at : at + size]))
        yield _Frame(first, masked, len(payload) == size, payload)
        at += size


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Messages with their fragments joined, control frames among them, the last maybe cut."""
    found: list[tuple[int, bytes]] = []
    kind, text = 0, b""
    for frame in _frames(data):
        opcode = frame.first & 15
        assert not frame.masked
        assert not frame.first & 0x70
        if opcode & 8:
            found.append((opcode, frame.payload))
            continue
        assert bool(opcode) == (kind == 0), "a fragment of no message"
        kind, text = kind or opcode, text + frame.payload
        if frame.first & 128:
            found.append((kind, text))
            kind, text = 0, b""
    return [*found, (kind, text)] if kind else found
