"""One text to be found, written in any mixture of its characters' spellings."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate

from proxy_core.mitm.scrub.escapes import anchor_of
from proxy_core.mitm.scrub.spelling import LONGEST, LONGEST_ASCII, Spelling, spelling_of

_URL_ALPHABET = {"+": "-", "/": "_"}


class Pattern:
    """A text and what stands for it.

    `forms` are its spellings without any escape, `longest` is the size in bytes that no spelling
    exceeds; of `anchor`, see escapes.py.
    """

    __slots__ = (
        "_encoding",
        "_offsets",
        "_other",
        "_runs",
        "_text",
        "anchor",
        "forms",
        "longest",
        "placeholder",
    )

    def __init__(
        self,
        text: str,
        encoding: str,
        placeholder: bytes,
        other: Mapping[str, str] | None = None,
    ) -> None:
        self._text = text
        self._encoding = encoding
        self._other = other or {}
        self.placeholder = placeholder
        second = "".join(self._other.get(one, one) for one in text)
        forms = (text.encode(encoding), second.encode(encoding))
        self.forms = tuple(dict.fromkeys(forms))
        sizes = (len(one.encode(encoding)) for one in text)
        self._offsets = list(accumulate(sizes, initial=0))
        self._runs = self._plain_runs()
        self.anchor = anchor_of("".join(" " if one in self._other else one for one in text))
        self.longest = sum(LONGEST_ASCII if one.isascii() else LONGEST for one in text)

    def _plain_runs(self) -> list[int]:
        """For each character where the run of those ends that stand for nothing but themselves."""
        runs = list(range(len(self._text)))
        end = len(runs)
        for at in reversed(range(len(runs))):
            one = self._text[at]
            if not one.isascii() or one in "%\\" or one in self._other:
                end = at
            runs[at] = end
        return runs

    def walk(self, data: bytes, at: int) -> tuple[int, bool]:
        """The farthest end of this text from `at` (-1: it isn't there), and whether `data` ends
        within what may still become it.
        """
        index, ends, cut = 0, [at], False
        form, offsets = self.forms[0], self._offsets
        while index < len(self._text):
            if len(ends) == 1 and (after := self._runs[index]) > index:
                run = form[offsets[index] : offsets[after]]
                if data.startswith(run, ends[0]):
                    index, ends = after, [ends[0] + len(run)]
                    continue
                if run.startswith(data[ends[0] : ends[0] + len(run)]):
                    return -1, True
            spelling = self._spelling(index)
            cut = cut or any(spelling.is_cut(data, end) for end in ends)
            ends = list({end for begin in ends for end in spelling.ends(data, begin)})
            if not ends:
                return -1, cut
            index += 1
        return max(ends), cut

    def _spelling(self, index: int) -> Spelling:
        one = self._text[index]
        return spelling_of(one, self._encoding, self._other.get(one, ""))

    def starts_before(self, data: bytes, at: int, indexes: list[int]) -> Iterator[int]:
        """Where this text begins if one of the characters `indexes`, its first escaped one, does
        at `at`.
        """
        for index in indexes:
            size = self._offsets[index]
            for form in self.forms:
                if not size:
                    yield at
                elif size <= at and data[at - 1] == form[size - 1]:
                    begin = at - size
                    if data.startswith(form[:size], begin):
                        yield begin

    def by_percent(self) -> dict[int, list[int]]:
        """Positions of characters by the first byte of their encoding."""
        found = defaultdict(list)
        for index, character in enumerate(self._text):
            for one in character + self._other.get(character, ""):
                found[one.encode(self._encoding)[0]].append(index)
        return found

    def by_code(self) -> dict[int, list[int]]:
        """Positions of characters by the first of their UTF-16 codes."""
        found = defaultdict(list)
        for index, character in enumerate(self._text):
            for one in character + self._other.get(character, ""):
                found[int.from_bytes(one.encode("utf-16-be")[:2], "big")].append(index)
        return found


def patterns_of(value: bytes, placeholder: bytes) -> list[Pattern]:
    """All texts in which a secret may be echoed: itself and base64 at three alignments.

    A value beyond ASCII stands in header fields in Latin-1 where it can: that is looked for too.
    """
    try:
        text, encoding = value.decode(), "utf-8"
    except UnicodeDecodeError:
        text, encoding = value.decode("latin-1"), "latin-1"
    patterns = [Pattern(text, encoding, placeholder), *_base64(value, placeholder)]
    if not value.isascii() and encoding == "utf-8" and max(text) <= "\xff":
        patterns.append(Pattern(text, "latin-1", placeholder))
        patterns += _base64(text.encode("latin-1"), placeholder)
    return patterns


def _base64(raw: bytes, placeholder: bytes) -> Iterator[Pattern]:
    """What base64 makes of `raw` alone, whatever one or two bytes stand before or after it."""
    for before in range(3):
        encoded = b64encode(bytes(before) + raw).decode("ascii")
        alone = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield Pattern(alone, "ascii", placeholder, _URL_ALPHABET)
