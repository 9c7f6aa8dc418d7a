"""How one character of a secret may be written in a response.

- literal: the bytes of its encoding; in base64 `+` and `/` also as `-` and `_`; a space also as `+`
- percent: `%XX` for each byte in either case of hex, and the `%` itself escaped up to three times
- JSON: `\\uXXXX` in either case, `\\"`, `\\\\`, `\\/`, `\\n` …, nested up to three strings deep,
  which makes up to eight backslashes

Spellings may change from one character to the next. A spelling is bounded, and so is what a stream
has to hold back.
"""

import re
from functools import lru_cache

_BACKSLASHES = rb"\\{1,8}"
_ESCAPED_PERCENT = rb"%(?:25){0,3}"
SHORT_ESCAPES = {
    '"': b'"',
    "/": b"/",
    "\b": b"b",
    "\f": b"f",
    "\n": b"n",
    "\r": b"r",
    "\t": b"t",
    "\\": b"\\",
}
"""What JSON has beside `\\uXXXX`: the character, and the byte that follows the backslashes."""
LONGEST = 40
"""No spelling of one character is longer: four bytes as `%252525XX`."""
LONGEST_ASCII = 13
"""Nor one of a character in ASCII: eight backslashes and `uXXXX`."""


class Spelling:
    """The ways to write one character."""

    __slots__ = ("_cut", "_ways")

    def __init__(self, ways: tuple[bytes, ...], beginnings: tuple[bytes, ...]) -> None:
        self._ways = tuple(re.compile(way, re.DOTALL) for way in ways)
        self._cut = re.compile(b"(?:" + b"|".join(beginnings) + rb")\Z", re.DOTALL)

    def ends(self, data: bytes, at: int) -> list[int]:
        """Where the character may end that begins at `at`; several for `%` and `\\` only."""
        return [match.end() for way in self._ways if (match := way.match(data, at))]

    def is_cut(self, data: bytes, at: int) -> bool:
        """Whether `data` ends within what may become this character. True when it ends at `at`."""
        return len(data) - at < LONGEST and self._cut.match(data, at) is not None


@lru_cache(maxsize=1024)
def spelling_of(character: str, encoding: str, other: str = "") -> Spelling:
    """Spellings of a character in a secret that is echoed in `encoding` (utf-8, latin-1, …).

    `other` is a second character that may stand for it, in all the same ways.
    """
    ways: list[bytes] = []
    beginnings: list[bytes] = []
    for each in character + other:
        raw = each.encode(encoding)
        ways.append(re.escape(raw))
        beginnings += [re.escape(raw[:size]) for size in range(1, len(raw))]
        _add_percent(raw, ways, beginnings)
        _add_json(each, ways, beginnings)
    if character == " ":
        ways.append(rb"\+")
    # One regex where one way at most can match at a place; apart where several can.
    if character in "%\\":
        return Spelling(tuple(ways), tuple(beginnings))
    return Spelling((b"|".join(ways),), tuple(beginnings))


def _add_percent(raw: bytes, ways: list[bytes], beginnings: list[bytes]) -> None:
    if raw == b"%":
        ways += [b"%" + b"25" * depth for depth in range(1, 5)]
        beginnings.append(rb"%(?:25){0,3}2?")
        return
    before = b""
    for byte in raw:
        high, low = _either_case(b"%02x" % byte)
        beginnings += [before, before + _ESCAPED_PERCENT + b"(?:2|" + high + b")?"]
        before += _ESCAPED_PERCENT + high + low
    ways.append(before)


def _add_json(character: str, ways: list[bytes], beginnings: list[bytes]) -> None:
    utf16 = character.encode("utf-16-be")
    before = b""
    for at in range(0, len(utf16), 2):
        hexes = _either_case(utf16[at : at + 2].hex().encode())
        beginning = b""
        for one in reversed(hexes[:-1]):
            beginning = b"(?:" + one + beginning + b")?"
        beginnings += [before, before + _BACKSLASHES + b"(?:u" + beginning + b")?"]
        before += _BACKSLASHES + b"u" + b"".join(hexes)
    ways.append(before)
    if character == "\\":
        ways += [rb"\\{%d}" % count for count in range(2, 9)]
    elif character in SHORT_ESCAPES:
        ways.append(_BACKSLASHES + SHORT_ESCAPES[character])


def _either_case(hexes: bytes) -> list[bytes]:
    """Each hexadecimal digit as a regex for both of its cases."""
    digits = [hexes[at : at + 1] for at in range(len(hexes))]
    return [b"[%b%b]" % (each, each.upper()) if each.isalpha() else each for each in digits]
