"""Search and replace in a stream, holding back only what could be the beginning of a secret.

    feed(data):  held + data ──► may a whole secret be in it, or its end cut one? ── no ──► goes on
                                            │ yes
                                 where could one begin?  ──► leftmost, then longest, wins
                              (literal forms, escapes, the end)      │
                              nothing undecided before it: replaced ◄┘ undecided: held back

Nearly all data is done with after the first look, which runs at gigabytes a second: see escapes.py.
A secret that is written with escapes is then found by its first one: only escapes of characters
that secrets are made of are looked at, and only where what stands before them is a secret's
beginning. How the bytes were cut never matters: a match is replaced when nothing that begins before
it, or with it, can still become another one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from proxy_core.mitm.scrub.escapes import BACKSLASH, PERCENT, Escapes
from proxy_core.mitm.scrub.pattern import Pattern, patterns_of

SHORTEST = 6
"""Bytes of a secret that is looked for: shorter ones would match ordinary text."""

# An escape that the data's end has cut, and how far from the end it may begin.
_CUT_ESCAPE = re.compile(rb"(?:%(?:25){0,3}[0-9A-Fa-f]?|\\{1,8}(?:u[0-9A-Fa-f]{0,3})?)\Z")
_CUT_ESCAPE_MOST = 12
_WINDOW = 4096
"""Bytes that are searched exactly, at least, where the first look found something."""

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
        self._escapes = Escapes(
            [pattern.by_percent() for pattern in patterns],
            [pattern.by_code() for pattern in patterns],
        )
        self._forms = [
            (form, number) for number, pattern in enumerate(patterns) for form in pattern.forms
        ]
        self._anchors = [pattern.anchor for pattern in patterns]
        self._longest = max(pattern.longest for pattern in patterns)
        self._bytes = (
            bytes({byte for form, _ in self._forms for byte in form}) + self._escapes.bytes
        )
        """All that a pattern, however it is written, consists of."""
        self._is_part = bytes(byte in self._bytes for byte in range(256))

    def whole(self, text: bytes) -> bytes:
        """`text`, which nothing follows, without secrets; the same object when there are none."""
        out, _ = self.replace(text, final=True)
        return out

    def stream(self) -> "ScrubStream":
        """For a text that comes in pieces."""
        return ScrubStream(self)

    def replace(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """What is decided of `data`, replaced, and the rest; `final`: nothing will follow."""
        starts: set[_Start] = set()
        if self._may_hold(data):
            starts.update(self._whole(data))
        if data and self._is_part[data[-1]] and not final:
            starts.update(self._cut(data))
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

    def _may_hold(self, data: bytes) -> bool:
        """Whether a whole pattern may be in `data`: never False when one is."""
        text = self._escapes.taken_off(data)
        return any(anchor in text for anchor in self._anchors)

    def _whole(self, data: bytes) -> Iterator[_Start]:
        """Beginnings of all whole patterns, and others."""
        for form, number in self._forms:
            at = data.find(form)
            while at >= 0:
                yield at, number
                at = data.find(form, at + 1)
        step = max(_WINDOW, self._longest)
        for begin in range(0, len(data), step):
            end = begin + step + self._longest
            if self._may_hold(data[begin:end]):
                yield from self._after_escapes(data, begin, end)

    def _after_escapes(self, data: bytes, begin: int, end: int) -> Iterator[_Start]:
        """Of patterns whose first escape is within these bounds."""
        for at, users in self._escapes.find(data, begin, end):
            for number, indexes in users:
                for start in self._patterns[number].starts_before(data, at, indexes):
                    yield start, number

    def _cut(self, data: bytes) -> Iterator[_Start]:
        """Beginnings of all patterns that the data's end cuts, and others."""
        end = len(data)
        tail = data[-self._longest :]
        begin = end - len(tail) + len(tail.rstrip(self._bytes))
        yield from self._beginnings(data, begin, end)
        yield from self._after_escapes(data, begin, end)
        for at in range(max(begin, end - _CUT_ESCAPE_MOST), end):
            if data[at] in (PERCENT, BACKSLASH) and _CUT_ESCAPE.match(data, at):
                yield from ((at, number) for number in range(len(self._patterns)))
                yield from self._beginnings(data, begin, at)

    def _beginnings(self, data: bytes, begin: int, end: int) -> Iterator[_Start]:
        """Where, from `begin` on, a form begins that has not ended at `end`."""
        for form, number in self._forms:
            at = data.find(form[:1], max(begin, end - len(form) + 1), end)
            while at >= 0:
                if form.startswith(data[at:end]):
                    yield at, number
                at = data.find(form[:1], at + 1, end)


class ScrubStream:
    """One text that comes in pieces, as it goes on without secrets."""

    __slots__ = ("_held", "_scrubber", "replaced")

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._held = b""
        self.replaced = False

    def feed(self, data: bytes | memoryview) -> bytes:
        """What is decided after `data`: at most a secret's length behind it."""
        piece = self._held + data if self._held else bytes(data)
        out, self._held = self._scrubber.replace(piece, final=False)
        if out is not piece and not piece.startswith(out):
            self.replaced = True
        return out

    def flush(self) -> bytes:
        """The rest: the text has ended."""
        held, self._held = self._held, b""
        out = self._scrubber.whole(held) if held else held
        self.replaced = self.replaced or out is not held
        return out


def compile_scrubber(secrets: Iterable[Secret]) -> Scrubber | None:
    """A scrubber of all secrets that are long enough; None without any."""
    patterns = [
        pattern
        for secret in secrets
        if len(secret.value) >= SHORTEST
        for pattern in patterns_of(secret.value, secret.placeholder)
    ]
    return Scrubber(patterns) if patterns else None
