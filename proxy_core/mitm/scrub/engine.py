"""Search and replace in a stream, holding back only what could be the beginning of a secret.

    feed(data):  held + data ──► where could a pattern begin?  ──► leftmost, then longest, wins
                                 (literal forms, escapes, the end)      │
                                 nothing undecided before it: replaced ◄┘ undecided: held back

Whole literal forms are found by `bytes.find`, at gigabytes a second. A text that holds escapes is
found by its first one: only escapes of characters that secrets are made of are looked at, and only
where what stands before them is a secret's beginning. How the bytes were cut never matters: a match
is replaced when nothing that begins before it, or with it, can still become another one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from proxy_core.mitm.scrub.pattern import Pattern, patterns_of
from proxy_core.mitm.scrub.spelling import SHORT_ESCAPES

SHORTEST = 6
"""Bytes of a secret that is looked for: shorter ones would match ordinary text."""

_PERCENT, _BACKSLASH, _U = b"%\\u"
_MOST_BACKSLASHES = 8
# An escape that the data's end has cut, and how far from the end it may begin.
_CUT_ESCAPE = re.compile(rb"(?:%(?:25){0,3}[0-9A-Fa-f]?|\\{1,8}(?:u[0-9A-Fa-f]{0,3})?)\Z")
_CUT_ESCAPE_MOST = 12
_ALPHANUMERIC = frozenset(range(0x30, 0x3A)) | set(range(0x41, 0x5B)) | set(range(0x61, 0x7B))

_Start = tuple[int, int]
"""Where a pattern may begin, and its number."""


@dataclass(frozen=True, slots=True)
class Secret:
    """An injected value and what replaces it."""

    placeholder: bytes
    value: bytes = field(repr=False)


class Scrubber:
    """The compiled patterns of some secrets: immutable, shared by all requests that use them."""

    def __init__(self, patterns: list[Pattern]) -> None:
        self._patterns = patterns
        percents = [pattern.by_percent() for pattern in patterns]
        codes = [pattern.by_code() for pattern in patterns]
        self._percents = _numbered(percents)
        self._codes = _numbered(codes)
        # An escaped `%` may begin another escape: `_unescaped` looks at what follows.
        self._percent_escape = _any_hex(b"%", {_PERCENT, *self._percents}, 2)
        self._code_escape = _any_hex(rb"\\u", self._codes, 4)
        self._short_escapes = [
            (re.compile(re.escape(b"\\" + after)), self._codes[ord(character)])
            for character, after in SHORT_ESCAPES.items()
            if ord(character) in self._codes
        ]
        self._spaces = self._codes.get(ord(" "), ())
        self._forms = [
            (form, number) for number, pattern in enumerate(patterns) for form in pattern.forms
        ]
        self._bytes = bytes({byte for form, _ in self._forms for byte in form})
        """No text ends within a form unless its last byte is one of these."""

    def whole(self, text: bytes) -> bytes:
        """`text`, which nothing follows, without secrets; the same object when there are none."""
        out, _ = self.replace(text, final=True)
        return out

    def stream(self) -> "ScrubStream":
        """For a text that comes in pieces."""
        return ScrubStream(self)

    def replace(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """What is decided of `data`, replaced, and the rest; `final`: nothing will follow."""
        starts = self._starts(data, final)
        if not starts:
            return data, b""
        out, done = [], 0
        for at, end, placeholder in self._decisions(data, starts, final):
            if end < 0:
                out.append(data[done:at])
                return b"".join(out), data[at:]
            out += (data[done:at], placeholder)
            done = end
        if not out:
            return data, b""
        out.append(data[done:])
        return b"".join(out), b""

    def _decisions(
        self, data: bytes, starts: set[_Start], final: bool
    ) -> Iterator[tuple[int, int, bytes]]:
        """(begin, end, placeholder) of what is replaced, in order; end -1 where it is undecided."""
        done = 0
        by_place: dict[int, list[int]] = {}
        for at, number in sorted(starts):
            by_place.setdefault(at, []).append(number)
        for at, numbers in by_place.items():
            if at < done:
                continue
            best, placeholder = -1, b""
            for number in numbers:
                pattern = self._patterns[number]
                end, cut = pattern.walk(data, at)
                if cut and not final:
                    yield at, -1, b""
                    return
                if end > best:
                    best, placeholder = end, pattern.placeholder
            if best >= 0:
                yield at, best, placeholder
                done = best

    # --- where a pattern could begin ----------------------------------------------------------

    def _starts(self, data: bytes, final: bool) -> set[_Start]:
        found: set[_Start] = set()
        for form, number in self._forms:
            if form in data:
                found.update((at, number) for at in _every(data, form))
        if self._has_escapes(data):
            found.update(self._after_escapes(data))
        if not final and self._may_be_cut(data):
            found.update(self._cut(data))
        return found

    def _has_escapes(self, data: bytes) -> bool:
        if _PERCENT in data and self._percent_escape.search(data):
            return True
        if _BACKSLASH in data:
            if self._code_escape.search(data):
                return True
            if any(escape.search(data) for escape, _ in self._short_escapes):
                return True
        return bool(self._spaces) and b"+" in data

    def _may_be_cut(self, data: bytes) -> bool:
        if not data:
            return False
        start = max(0, len(data) - _CUT_ESCAPE_MOST)
        return data[-1] in self._bytes or _CUT_ESCAPE.search(data, start) is not None

    def _after_escapes(self, data: bytes) -> Iterator[_Start]:
        for at, users in self._escapes(data):
            for number, indexes in users:
                for begin in self._patterns[number].starts_before(data, at, indexes):
                    yield begin, number

    def _escapes(self, data: bytes) -> Iterator[tuple[int, "_Users"]]:
        """Places of escapes of characters that patterns have, and who has them."""
        if _PERCENT in data:
            for match in _overlapping(self._percent_escape, data):
                for byte in _unescaped(data, match.start()):
                    yield match.start(), self._percents.get(byte, ())
        if _BACKSLASH in data:
            for match in _overlapping(self._code_escape, data):
                users = self._codes.get(int(match[0][2:], 16), ())
                yield from ((at, users) for at in _backslashes(data, match.start()))
            for escape, users in self._short_escapes:
                for match in _overlapping(escape, data):
                    # Every pair of backslashes in a run is a match of its own.
                    if match[0] == b"\\\\":
                        yield match.start(), users
                    else:
                        yield from ((at, users) for at in _backslashes(data, match.start()))
        if self._spaces:
            yield from ((at, self._spaces) for at in _every(data, b"+"))

    def _cut(self, data: bytes) -> Iterator[_Start]:
        """Beginnings of patterns that the data's end cuts, within their first escape or before."""
        yield from self._beginnings(data, len(data))
        for at in range(max(0, len(data) - _CUT_ESCAPE_MOST), len(data)):
            if data[at] in (_PERCENT, _BACKSLASH) and _CUT_ESCAPE.match(data, at):
                yield from ((at, number) for number in range(len(self._patterns)))
                yield from self._beginnings(data, at)

    def _beginnings(self, data: bytes, end: int) -> Iterator[_Start]:
        """Where a form begins that has not ended at `end`."""
        for form, number in self._forms:
            at = data.find(form[:1], max(0, end - len(form) + 1), end)
            while at >= 0:
                if form.startswith(data[at:end]):
                    yield at, number
                at = data.find(form[:1], at + 1, end)


class ScrubStream:
    """One text that comes in pieces, as it goes on without secrets."""

    __slots__ = ("_held", "_scrubber")

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._held = b""

    def feed(self, data: bytes | memoryview) -> bytes:
        """What is decided after `data`: at most a secret's length behind it."""
        piece = self._held + data if self._held else bytes(data)
        out, self._held = self._scrubber.replace(piece, final=False)
        return out

    def flush(self) -> bytes:
        """The rest: the text has ended."""
        held, self._held = self._held, b""
        return self._scrubber.whole(held) if held else b""


def compile_scrubber(secrets: Iterable[Secret]) -> Scrubber | None:
    """A scrubber of all secrets that are long enough; None without any."""
    patterns = [
        pattern
        for secret in secrets
        if len(secret.value) >= SHORTEST
        for pattern in patterns_of(secret.value, secret.placeholder)
    ]
    return Scrubber(patterns) if patterns else None


_Users = Iterable[tuple[int, list[int]]]
"""Numbers of patterns, each with the positions of a character in it."""


def _numbered(maps: list[dict[int, list[int]]]) -> dict[int, list[tuple[int, list[int]]]]:
    merged: dict[int, list[tuple[int, list[int]]]] = {}
    for number, positions in enumerate(maps):
        for value, indexes in positions.items():
            merged.setdefault(value, []).append((number, indexes))
    return merged


def _any_hex(before: bytes, values: Iterable[int], digits: int) -> re.Pattern[bytes]:
    """`before` and one of `values` in hexadecimal.

    All letters and digits are in it, so that a compiled regex, which the `re` module may keep, says
    little of the secrets it was made for.
    """
    by_high: dict[str, list[str]] = {}
    for value in sorted(_ALPHANUMERIC.union(values)):
        text = f"{value:0{digits}x}"
        by_high.setdefault(text[:-1], []).append(text[-1])
    choices = [
        _ignoring_case(high) + "[" + "".join(sorted({*lows, *"".join(lows).upper()})) + "]"
        for high, lows in by_high.items()
    ]
    return re.compile(before + b"(?:" + "|".join(choices).encode() + b")")


def _ignoring_case(digits: str) -> str:
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in digits)


def _every(data: bytes, part: bytes) -> Iterator[int]:
    at = data.find(part)
    while at >= 0:
        yield at
        at = data.find(part, at + 1)


def _overlapping(pattern: re.Pattern[bytes], data: bytes) -> Iterator[re.Match[bytes]]:
    match = pattern.search(data)
    while match is not None:
        yield match
        match = pattern.search(data, match.start() + 1)


def _unescaped(data: bytes, at: int) -> Iterator[int]:
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
        if data[at] != _BACKSLASH:
            return
        yield at
