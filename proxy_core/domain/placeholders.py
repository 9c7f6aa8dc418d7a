"""Finding the placeholders of one surface in a text that may come in pieces, and replacing them.

    Placeholders(substitutions, surface, encode)    what stands for what; encoded when first met
    Replacing(placeholders, limit)                  one text: feed … finish

One pass, leftmost first, longest first where two begin alike. What replaces a placeholder is never
searched again. Of a piece's end only as much is held back as could be the beginning of a
placeholder, and the size of the result is bounded before any of it is built: a short text can name
a long secret many times.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.service import Surface

Encode = Callable[[bytes], bytes]
"""A secret as it stands on a surface. Raises VaultError substitution_invalid."""


class Placeholders:
    """The placeholders of one surface. False when there are none."""

    def __init__(
        self, substitutions: Sequence[SecretSubstitution], surface: Surface, encode: Encode
    ) -> None:
        self._values = {
            item.placeholder: item.value for item in substitutions if surface in item.surfaces
        }
        self._encode = encode
        self._encoded: dict[bytes, bytes] = {}
        self._pattern, self.longest = _pattern(tuple(self._values))

    def __bool__(self) -> bool:
        return bool(self._values)

    def occur_in(self, text: bytes) -> bool:
        """Whether there is anything to replace."""
        return any(name in text for name in self._values)

    def replace(self, text: bytes, stop: int, room: int) -> tuple[bytes, int]:
        """`text` with the placeholders that begin before `stop` replaced, and where it ended.

        Raises VaultError: substitution_invalid, request_too_large (more than `room` bytes).
        """
        out: list[bytes] = []
        at = 0
        for found in self._pattern.finditer(text):
            if found.start() >= stop:
                break
            value = self._value(found[0])
            room -= found.start() - at + len(value)
            if room < 0:
                break
            out += text[at : found.start()], value
            at = found.end()
        end = max(at, stop)
        if room < end - at:
            raise VaultError("request_too_large", "too large with its placeholders replaced")
        out.append(text[at:end])
        return b"".join(out), end

    def _value(self, placeholder: bytes) -> bytes:
        value = self._encoded.get(placeholder)
        if value is None:
            value = self._encoded[placeholder] = self._encode(self._values[placeholder])
        return value


@lru_cache(maxsize=512)
def _pattern(names: tuple[bytes, ...]) -> tuple[re.Pattern[bytes], int]:
    """What finds these placeholders, longest first, and the length of the longest."""
    ordered = sorted(names, key=len, reverse=True)
    return re.compile(b"|".join(map(re.escape, ordered))), len(ordered[0]) if ordered else 0


class Replacing:
    """One text of at most `limit` bytes once its placeholders are replaced."""

    def __init__(self, placeholders: Placeholders, limit: int) -> None:
        self._placeholders = placeholders
        self._room = limit
        self._held = b""
        self.found = False
        """There was something to replace."""

    def feed(self, piece: bytes) -> bytes:
        """What is certain by now. Raises VaultError: substitution_invalid, request_too_large."""
        text = self._held + piece if self._held else piece
        # A placeholder that begins later could still turn out to be a longer one.
        return self._up_to(text, max(0, len(text) - self._placeholders.longest + 1))

    def finish(self) -> bytes:
        """The rest. Raises as `feed` does."""
        return self._up_to(self._held, len(self._held))

    def _up_to(self, text: bytes, stop: int) -> bytes:
        placeholders = self._placeholders
        occurs = placeholders.occur_in(text)
        self.found = self.found or occurs
        if occurs or stop > self._room:
            out, end = placeholders.replace(text, stop, self._room)
        else:
            out, end = text[:stop], stop
        self._room -= len(out)
        self._held = text[end:]
        return out
