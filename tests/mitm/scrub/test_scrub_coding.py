"""Content codings taken off piece by piece, in bounded memory."""

import random
import zlib
from collections.abc import Callable
from gzip import compress as gzip

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.mitm.scrub.coding import PIECE, Decoding

ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstd.compress,
}


def decoded(coding: bytes, pieces: list[bytes]) -> bytes:
    """Everything, as a body reads it; no single step gives much."""
    decoding = Decoding(coding)
    out = b""
    for piece in pieces:
        part = decoding.decode(piece)
        assert len(part) <= 2 * PIECE
        out += part
        while decoding.more:
            part = decoding.decode(b"")
            assert len(part) <= 2 * PIECE
            out += part
    decoding.end()
    return out


@pytest.mark.parametrize("coding", ENCODERS)
@given(text=st.binary(max_size=2000), size=st.integers(1, 50))
def test_any_cutting_gives_the_whole(coding: bytes, text: bytes, size: int) -> None:
    """Down to single bytes."""
    coded = ENCODERS[coding](text)
    pieces = [coded[at : at + size] for at in range(0, len(coded), size)]
    assert decoded(coding, pieces) == text


@pytest.mark.parametrize("coding", ENCODERS)
def test_one_step_gives_a_bounded_piece(coding: bytes) -> None:
    """Of 32 MiB that were a few kilobytes."""
    assert decoded(coding, [ENCODERS[coding](bytes(32 << 20))]) == bytes(32 << 20)


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_members_follow_each_other(coding: bytes) -> None:
    """As the formats allow; a body of nothing is one too."""
    encode = ENCODERS[coding]
    assert decoded(coding, [encode(b"one ") + encode(b"") + encode(b"two")]) == b"one two"
    assert decoded(coding, []) == b""


@pytest.mark.parametrize("coding", ENCODERS)
def test_what_is_cut_or_wrong_is_unreadable(coding: bytes) -> None:
    """The error holds nothing of the data."""
    coded = ENCODERS[coding](random.Random(7).randbytes(5000))
    for bad in (coded[:-1], coded[:1000], b"\x07secret not coded at all" * 9):
        with pytest.raises(VaultError) as caught:
            decoded(coding, [bad])
        assert caught.value.code == "response_unreadable"
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("coding", "readable"), [(b"br", False), (b"zstd", False), (b"gzip", True)]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_follows_the_coded_data(coding: bytes, readable: bool, size: int) -> None:
    """Padding behind gzip is nothing, as RFC 1952 has it; the others have no such: however cut."""
    coded = ENCODERS[coding](b"text") + b"junk behind"
    pieces = [coded[at : at + size] for at in range(0, len(coded), size)]
    if readable:
        assert decoded(coding, pieces) == b"text"
    else:
        with pytest.raises(VaultError):
            decoded(coding, pieces)


def test_a_window_beyond_the_standard_is_refused() -> None:
    """A zstd frame may not ask for more memory than RFC 9659 allows."""
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.checksum_flag: 1}
    huge = zstd.ZstdCompressor(options=options)
    coded = huge.compress(bytes(1 << 20)) + huge.flush()
    with pytest.raises(VaultError):
        decoded(b"zstd", [coded])
