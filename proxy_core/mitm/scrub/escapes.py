"""Escapes of characters that patterns are made of: where they are, and a text without them.

Only those matter: what no pattern has can be no part of one, however it is written.

A quick look tells most texts without a secret from those that may hold one. When the escapes are
taken off a text, a run of a secret's characters stands there as it is, however it was written: its
anchor. Both taking off and searching are a few passes at the speed of C.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from proxy_core.mitm.scrub.spelling import SHORT_ESCAPES

PERCENT, BACKSLASH = b"%\\"
_MOST_BACKSLASHES = 8
_MOST_NESTED = 3
_ALPHANUMERIC = frozenset(range(0x30, 0x3A)) | set(range(0x41, 0x5B)) | set(range(0x61, 0x7B))
# Left as they are: not what has short escapes, begins an escape, or stands for something else.
_ORDINARY = re.compile(r"[!#$&-.0-\[\]-~]+")
_NEVER_TAKEN = re.compile(r"[^0-9A-Fa-fUu]")
_MOST_TAKEN = 16  # `\U00000025` is read as a `%`, which three times `25` and two digits may follow

Positions = Mapping[int, list[int]]
Users = Iterable[tuple[int, list[int]]]
"""Numbers of patterns, each with the positions of a character in it."""


class Escapes:
    """Of patterns that are known by the positions of their characters.

    `percents`: for each, by the first byte of a character's encoding; `codes`: by its first code in
    UTF-16.
    """

    def __init__(self, percents: Sequence[Positions], codes: Sequence[Positions]) -> None:
        self._percents = _numbered(percents)
        self._codes = _numbered(codes)
        # An escaped `%` may begin another escape: `_stands_for` looks at what follows.
        self._percent = re.compile(b"%(?=" + _any_hex({PERCENT, *self._percents}, 2) + b")")
        self._code = re.compile(rb"\\u" + _any_hex(self._codes, 4))
        self._short = [
            (re.compile(re.escape(b"\\" + after)), self._codes[ord(character)])
            for character, after in SHORT_ESCAPES.items()
            if ord(character) in self._codes
        ]
        self._spaces = self._codes.get(ord(" "), ())
        after = b"".join(SHORT_ESCAPES[one] for one in SHORT_ESCAPES if ord(one) in self._codes)
        self.bytes = b"%\\u0123456789abcdefABCDEF" + after + (b"+" if self._spaces else b"")
        """All bytes that an escape may be written with."""

    def find(self, data: bytes, begin: int, end: int) -> Iterator[tuple[int, Users]]:
        """Places of escapes within these bounds, and whose they are."""
        if data.find(b"%", begin, end) >= 0:
            for match in _overlapping(self._percent, data, begin, end):
                for byte in _stands_for(data, match.start()):
                    yield match.start(), self._percents.get(byte, ())
        if data.find(b"\\", begin, end) >= 0:
            for match in _overlapping(self._code, data, begin, end):
                users = self._codes.get(int(match[0][2:], 16), ())
                yield from ((at, users) for at in _backslashes(data, match.start()))
            for escape, users in self._short:
                for match in _overlapping(escape, data, begin, end):
                    # Every pair of backslashes in a run is a match of its own.
                    if match[0] == b"\\\\":
                        yield match.start(), users
                    else:
                        yield from ((at, users) for at in _backslashes(data, match.start()))
        if self._spaces:
            at = data.find(b"+", begin, end)
            while at >= 0:
                yield at, self._spaces
                at = data.find(b"+", at + 1, end)

    def taken_off(self, data: bytes) -> bytes:
        """`data` with the characters that escapes stand for, but short ones (`\\/`).

        Not exact: backslashes and characters beyond Latin-1 may go, and a `%` or `\\u` that begins
        no escape may take hexadecimal digits with it that follow.
        """
        if BACKSLASH in data and self._code.search(data):
            while b"\\\\" in data:
                data = data.replace(b"\\\\", b"\\")
            data = _without_codes(data)
        if PERCENT in data and self._percent.search(data):
            data = data.translate(None, b"\\")
            for _ in range(_MOST_NESTED):
                data = data.replace(b"%25", b"%")
            data = _without_codes(self._percent.sub(rb"\\u00", data))
        return data


def anchor_of(text: str) -> bytes:
    """The longest part of `text` that stands in whatever `taken_off` makes of it; may be b"".

    However `text` is written and whatever stands before it: the part begins with a character that
    no escape takes, or farther behind its neighbours than one reaches. No blanks are in it.
    """
    return max(map(_safe_part, _ORDINARY.findall(text)), key=len, default="").encode("ascii")


def _safe_part(run: str) -> str:
    found = _NEVER_TAKEN.search(run)
    return run[min(found.start() if found else _MOST_TAKEN, _MOST_TAKEN) :]


def _without_codes(data: bytes) -> bytes:
    return data.decode("raw_unicode_escape", "ignore").encode("latin-1", "ignore")


def _numbered(maps: Sequence[Positions]) -> dict[int, list[tuple[int, list[int]]]]:
    merged: dict[int, list[tuple[int, list[int]]]] = {}
    for number, positions in enumerate(maps):
        for value, indexes in positions.items():
            merged.setdefault(value, []).append((number, indexes))
    return merged


def _any_hex(values: Iterable[int], digits: int) -> bytes:
    """A regex for one of `values` in hexadecimal.

    All letters and digits are in it, so that a compiled regex, which the `re` module may keep, says
    little of the secrets it was made for.
    """
    by_high: dict[str, list[str]] = {}
    for value in sorted(_ALPHANUMERIC.union(values)):
        text = f"{value:0{digits}x}"
        by_high.setdefault(text[:-1], []).append(text[-1])
    # What all begin with stands before the choice: the longer it is, the faster the search.
    common = "00" if all(high.startswith("00") for high in by_high) else ""
    choices = [
        _ignoring_case(high.removeprefix(common))
        + f"[{''.join(sorted({*lows, *''.join(lows).upper()}))}]"
        for high, lows in by_high.items()
    ]
    return f"{common}(?:{'|'.join(choices)})".encode()


def _ignoring_case(digits: str) -> str:
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in digits)


def _overlapping(
    pattern: re.Pattern[bytes], data: bytes, begin: int, end: int
) -> Iterator[re.Match[bytes]]:
    match = pattern.search(data, begin, end)
    while match is not None:
        yield match
        match = pattern.search(data, match.start() + 1, end)


def _stands_for(data: bytes, at: int) -> Iterator[int]:
    """Bytes that the percent escape at `at` may stand for: `%2561` is `%` and `a`."""
    for begin in range(at + 1, at + 9, 2):
        digits = data[begin : begin + 2]
        try:
            yield int(digits, 16)
        except ValueError:
            return
        if digits != b"25":
            return


def _backslashes(data: bytes, last: int) -> Iterator[int]:
    """Places where an escape may begin whose last backslash is at `last`."""
    for at in range(last, max(-1, last - _MOST_BACKSLASHES), -1):
        if data[at] != BACKSLASH:
            return
        yield at
