"""The `aws-chunked` content coding, taken off: S3's chunks with a signature each.

    10000;chunk-signature=…CRLF data CRLF … 0;chunk-signature=…CRLF [trailer: value CRLF] CRLF

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

import re
from typing import NamedTuple

from proxy_core.base.errors import VaultError

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[ -~]{0,1024})?\r\n")
_TRAILER = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([!-~]{0,512})[ \t]*\r?\n")
_SIGNATURE = b"x-amz-trailer-signature"


class Unwrapped(NamedTuple):
    """A body without its chunks; `trailers` without their signature, names in lower case."""

    body: bytes
    trailers: tuple[tuple[bytes, bytes], ...]


def unwrapped(wrapped: bytes) -> Unwrapped:
    """Take the coding off. Raises VaultError bad_request when it isn't that."""
    at = 0
    pieces: list[bytes] = []
    while True:
        found = _SIZE.match(wrapped, at)
        if found is None:
            raise _malformed("a chunk has no proper size")
        size, at = int(found[1], 16), found.end()
        if not size:
            return Unwrapped(b"".join(pieces), _trailers(wrapped, at))
        end = at + size
        if wrapped[end : end + 2] != b"\r\n":
            raise _malformed("a chunk is not as long as it says")
        pieces.append(wrapped[at:end])
        at = end + 2


def _trailers(wrapped: bytes, at: int) -> tuple[tuple[bytes, bytes], ...]:
    found = []
    while match := _TRAILER.match(wrapped, at):
        name, at = match[1].lower(), match.end()
        if name != _SIGNATURE:
            found.append((name, match[2]))
    if wrapped[at:] not in (b"\r\n", b""):
        raise _malformed("something else follows its last chunk")
    if not all(name.startswith(b"x-amz-checksum-") for name, _ in found):
        raise _malformed("its trailers are no checksums")
    return tuple(found)


def _malformed(why: str) -> VaultError:
    return VaultError("bad_request", f"The body is not in aws-chunked coding: {why}.")
