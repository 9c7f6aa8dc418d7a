"""Field lines (RFC 9110 5, RFC 9112 5): one regex says yes to a whole block, or nothing is read.

What the block's grammar leaves out can therefore not occur further on: obsolete folding, space
before the colon, bare CR or LF, NUL and the other control characters, empty or odd names.
"""

import re
from collections.abc import Iterable

from proxy_core.mitm.http1.values import CHUNKED, Framing, Limits, Side

Field = tuple[bytes, bytes]

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
VALUE = rb"[\t -~\x80-\xff]"
# Possessive where one class repeats, so that a block that fails does so in linear time; never a
# group: Python before 3.11.5 matches possessive groups wrongly.
BLOCK = rb"(?:" + TOKEN + rb"++:" + VALUE + rb"*+\r\n)*"

_BLOCK = re.compile(BLOCK)
_TOKEN = re.compile(TOKEN + rb"++")
_VALUE = re.compile(VALUE + rb"*+")
_LENGTH = re.compile(rb"[0-9]{1,18}")

# Names are compared folded: some servers read `x_api_key` as `X-Api-Key`, so we do as well where
# a field must not get past us.
FOLD = bytes(
    ord("-") if byte == ord("_") else byte + 32 if ord("A") <= byte <= ord("Z") else byte
    for byte in range(256)
)


def fold(name: bytes) -> bytes:
    """The name as lenient servers compare it: lower case, `_` read as `-`."""
    return name.translate(FOLD)


def is_name(name: bytes) -> bool:
    """True when `name` is a field name."""
    return _TOKEN.fullmatch(name) is not None


def is_value(value: bytes) -> bool:
    """True when `value` can stand in a field line and can't end it."""
    return _VALUE.fullmatch(value) is not None


def field_values(headers: Iterable[Field], name: bytes) -> list[bytes]:
    """The values of all fields of that name (folded), in order."""
    return [value for key, value in headers if fold(key) == name]


def without_field(headers: Iterable[Field], name: bytes) -> list[Field]:
    """All fields but those of that name (folded)."""
    return [field for field in headers if fold(field[0]) != name]


_DIGESTS = frozenset((b"content-md5", b"content-digest", b"repr-digest", b"digest"))


def without_digests(headers: Iterable[Field]) -> list[Field]:
    """All fields but those that say something of each byte of the body (RFC 9530, 3230, 1864)."""
    return [field for field in headers if fold(field[0]) not in _DIGESTS]


def split_block(block: bytes, side: Side, limits: Limits) -> list[Field]:
    """(name, value) pairs in order and case, values without surrounding blanks.

    `block` is lines that all end in CRLF and has matched BLOCK. Raises ProtocolError: too many.
    """
    lines = block.split(b"\r\n")
    lines.pop()
    if len(lines) > limits.fields:
        raise side.head_too_large(f"more than {limits.fields} header fields")
    fields: list[Field] = []
    for line in lines:
        name, _, value = line.partition(b":")
        fields.append((name, value.strip(b" \t")))
    return fields


def parse_block(block: bytes, side: Side, limits: Limits) -> list[Field]:
    """Check and split a block of field lines (a trailer section). Raises ProtocolError."""
    if _BLOCK.fullmatch(block) is None:
        raise side.malformed("malformed trailer field")
    return split_block(block, side, limits)


def tokens(value: bytes, side: Side) -> list[bytes]:
    """Lower-case elements of a `#token` list; empty ones are skipped (RFC 9110 5.6.1.2).

    Raises ProtocolError for an element that is no token.
    """
    found = []
    for part in value.split(b","):
        element = part.strip(b" \t").lower()
        if not element:
            continue
        if _TOKEN.fullmatch(element) is None:
            raise side.malformed("malformed Connection field")
        found.append(element)
    return found


def connection_options(values: Iterable[bytes], side: Side) -> frozenset[bytes]:
    """What all Connection fields nominate, lower case. Raises ProtocolError."""
    return frozenset(option for value in values for option in tokens(value, side))


def declared_framing(
    lengths: list[bytes], codings: list[bytes], minor: int, side: Side
) -> Framing | None:
    """The framing that Content-Length and Transfer-Encoding fields declare; None without either.

    Stricter than RFC 9112 6.3 where it lets a recipient choose: both together are refused, and so
    are repeated lengths that agree, because the next reader may choose otherwise.
    Raises ProtocolError.
    """
    if codings:
        if lengths:
            raise side.malformed("Content-Length together with Transfer-Encoding")
        if minor == 0:
            raise side.malformed("Transfer-Encoding in an HTTP/1.0 message")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            raise side.malformed("Transfer-Encoding is not exactly 'chunked'")
        return CHUNKED
    if not lengths:
        return None
    if len(lengths) > 1:
        raise side.malformed("more than one Content-Length")
    if _LENGTH.fullmatch(lengths[0]) is None:
        raise side.malformed("malformed Content-Length")
    return Framing.of_length(int(lengths[0]))
