"""A client's WebSocket frames: whole texts are rewritten, everything else passes as it came."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.mitm.websocket_frames import (
    MAX_TEXT,
    ClientFrames,
    header_size,
    mask,
    payload_size,
    text_frame,
)

NEW_KEY = b"\x01\x02\x03\x04"


@dataclass(frozen=True)
class Frame:
    """`first` is the byte with FIN, reserved bits and opcode; no key: unmasked."""

    first: int
    payload: bytes
    key: bytes | None = b"\xaa\xbb\xcc\xdd"
    size_bytes: int = 0

    @property
    def wire(self) -> bytes:
        size, masked = len(self.payload), 0x80 if self.key else 0
        needed = 0 if size < 126 else 2 if size < 65536 else 8
        width = max(needed, self.size_bytes)
        length = (
            bytes((masked | size,))
            if not width
            else bytes((masked | (126 if width == 2 else 127),)) + size.to_bytes(width, "big")
        )
        body = mask(self.payload, self.key) if self.key else self.payload
        return bytes((self.first,)) + length + (self.key or b"") + body


def frames(rewrite: object = None) -> ClientFrames:
    """A parser that writes `yes` for `no` and always takes the same new key."""

    def swap(text: bytes) -> bytes:
        return text.replace(b"no", b"yes") if b"no" in text else text

    return ClientFrames(rewrite or swap, lambda: NEW_KEY)  # type: ignore[arg-type]


def fed(data: bytes, cuts: list[int] | None = None) -> bytes:
    """What is sent on for all of it."""
    parser = frames()
    marks = [0, *sorted(min(cut, len(data)) for cut in cuts or []), len(data)]
    return b"".join(bytes(parser.feed(memoryview(data)[a:b])) for a, b in pairwise(marks))


def test_the_example_of_the_specification() -> None:
    """RFC 6455 5.7: a masked "Hello"."""
    assert text_frame(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex(
        "818537fa213d7f9f4d5158"
    )


def test_a_text_is_unmasked_rewritten_and_masked_anew() -> None:
    """Under a key that the client did not choose."""
    assert fed(Frame(0x81, b"say no").wire) == text_frame(b"say yes", NEW_KEY)


def test_keys_are_fresh() -> None:
    """Each rewritten frame has its own key, from the system's randomness."""
    parser = ClientFrames(lambda text: text + b"!")
    wire = Frame(0x81, b"x").wire
    keys = {bytes(parser.feed(wire))[2:6] for _ in range(8)}
    assert len(keys) == 8


def test_a_text_that_stays_passes_as_it_came() -> None:
    """Byte for byte, under its own key, even when its length is written the long way."""
    for wire in (Frame(0x81, b"fine").wire, Frame(0x81, b"fine", size_bytes=8).wire):
        assert fed(wire) == wire


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_lengths_are_written_in_the_shortest_form(size: int) -> None:
    """On both sides of each border."""
    text = b"n" * size
    parser = frames(lambda _text: text + b"")
    sent = bytes(parser.feed(Frame(0x81, b"any").wire))
    begin = header_size(sent[1])
    assert begin == 6 + (0 if size < 126 else 2 if size < 65536 else 8)
    assert payload_size(sent) == size
    assert mask(sent[begin:], sent[begin - 4 : begin]) == text


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x82, b"no"),
        Frame(0x01, b"no"),
        Frame(0x80, b"no"),
        Frame(0x00, b"no"),
        Frame(0x89, b"no"),
        Frame(0x8A, b"no"),
        Frame(0x88, b"\x03\xe8no"),
        Frame(0xC1, b"no"),
        Frame(0x91, b"no"),
        Frame(0x83, b"no"),
        Frame(0x81, b"no", key=None),
        Frame(0x81, b"no" * (MAX_TEXT // 2) + b"x"),
    ],
    ids=[
        "binary",
        "first fragment",
        "last fragment",
        "middle fragment",
        "ping",
        "pong",
        "close",
        "compressed",
        "reserved bit",
        "unknown opcode",
        "unmasked",
        "too large",
    ],
)
def test_other_frames_pass_untouched(frame: Frame) -> None:
    """And what comes behind them is still read."""
    tail = Frame(0x81, b"no").wire
    assert fed(frame.wire + tail) == frame.wire + text_frame(b"yes", NEW_KEY)


def test_the_largest_text_is_rewritten() -> None:
    """MAX_TEXT counts the payload."""
    payload = b"no" + b"x" * (MAX_TEXT - 2)
    sent = fed(Frame(0x81, payload).wire, [5, 70_000, 500_000])
    assert sent == text_frame(b"yes" + payload[2:], NEW_KEY)


def test_large_frames_do_not_wait() -> None:
    """What passes is passed on with the bytes that bring it, and without a copy."""
    parser = frames()
    wire = Frame(0x82, b"x" * 100_000).wire
    head = bytes(parser.feed(wire[:50]))
    assert head == wire[:50]
    piece = memoryview(wire)[50:60_000]
    assert parser.feed(piece) is piece


def test_a_length_beyond_reason_only_passes() -> None:
    """It is the upstream's to refuse."""
    wire = b"\x82\xff" + b"\xff" * 8 + NEW_KEY
    assert fed(wire + b"\x81\x82more") == wire + b"\x81\x82more"


def test_what_can_not_be_rewritten_is_not_sent() -> None:
    """The failure comes out of `feed`."""

    def refuse(_text: bytes) -> bytes:
        raise VaultError("substitution_invalid")

    with pytest.raises(VaultError):
        frames(refuse).feed(Frame(0x82, b"x").wire + Frame(0x81, b"no").wire)


keys = st.binary(min_size=4, max_size=4)
any_frame = st.builds(
    Frame,
    st.integers(0, 255),
    st.binary(max_size=200) | st.lists(st.sampled_from([b"no", b"n", b"o"])).map(b"".join),
    st.none() | keys,
    st.sampled_from([0, 2, 8]),
)


def expected(frame: Frame) -> bytes:
    """The rule, told plainly."""
    if frame.first == 0x81 and frame.key and b"no" in frame.payload:
        return text_frame(frame.payload.replace(b"no", b"yes"), NEW_KEY)
    return frame.wire


@given(st.lists(any_frame, max_size=6), st.lists(st.integers(0, 1500), max_size=10))
def test_any_frames_in_any_pieces(sequence: list[Frame], cuts: list[int]) -> None:
    """Where the bytes are cut makes no difference, and no frame changes another."""
    data = b"".join(frame.wire for frame in sequence)
    assert fed(data, cuts) == b"".join(map(expected, sequence))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_noise_never_fails_and_is_never_reordered(data: bytes, cuts: list[int]) -> None:
    """Whatever comes: what is sent is what came, up to a frame that is not there yet."""
    parser = ClientFrames(lambda text: text)
    marks = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    sent = b"".join(bytes(parser.feed(data[a:b])) for a, b in pairwise(marks))
    assert data.startswith(sent)


@given(st.binary(max_size=100), keys)
def test_masks_come_off_as_they_went_on(payload: bytes, key: bytes) -> None:
    """Twice is not at all; each byte by its own of the key."""
    masked = mask(payload, key)
    assert masked == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
    assert mask(masked, key) == payload
