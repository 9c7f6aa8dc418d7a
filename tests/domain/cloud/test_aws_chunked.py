"""S3's chunks with signatures, taken off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_chunked import Unwrapped, unwrapped
from tests.domain.samples import refused

SIGNATURE = b";chunk-signature=" + b"ab" * 32


def wrap(pieces: list[bytes], trailers: bytes = b"") -> bytes:
    """As the SDKs send it."""
    chunks = [b"%x%b\r\n%b\r\n" % (len(piece), SIGNATURE, piece) for piece in pieces]
    return b"".join(chunks) + b"0" + SIGNATURE + b"\r\n" + trailers + b"\r\n"


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_what_was_wrapped_comes_out(pieces: list[bytes]) -> None:
    """However it was cut."""
    assert unwrapped(wrap(pieces)) == Unwrapped(b"".join(pieces), ())


def test_checksums_behind_the_last_chunk_are_kept_without_their_signature() -> None:
    """They can stand in the head, now that the body is whole."""
    trailers = b"x-amz-checksum-crc32:sOO8/Q==\r\nx-amz-trailer-signature:" + b"cd" * 32 + b"\r\n"
    body, kept = unwrapped(wrap([b"hello"], trailers))
    assert (body, kept) == (b"hello", ((b"x-amz-checksum-crc32", b"sOO8/Q=="),))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"5\r\nhello",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"fffffffff\r\nx\r\n0\r\n\r\n",
        b"0\r\nhost:evil\r\n\r\n",
        b"0\r\nx-amz-checksum-crc32:a b\r\n\r\n",
        b"0\r\n\r\nmore",
    ],
)
def test_what_is_not_in_that_coding_is_refused(body: bytes) -> None:
    """Cut short, sizes that lie, trailers that are no checksums, something behind it."""
    with pytest.raises(VaultError) as caught:
        unwrapped(body)
    assert caught.value.code == "bad_request"


@given(st.binary(max_size=80))
def test_nothing_breaks_it(body: bytes) -> None:
    """Any bytes are a body or refused."""
    error = refused(lambda: unwrapped(body))
    assert error is None or error.code == "bad_request"
