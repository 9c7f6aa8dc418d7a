"""Inputs are text: the first line says into which pieces the rest is cut.

Each of its bytes is the size of a piece, modulo 32 and one more, taken in turn; an empty line cuts
into single bytes. So a corpus can be written and read by hand.
"""

from collections.abc import Callable, Iterator
from itertools import cycle

from proxy_core.base.errors import VaultError

Check = Callable[[bytes], None]
"""Returns when what must hold does. Raises otherwise."""


class Input:
    """The lines that a target asks for, then the rest."""

    def __init__(self, data: bytes) -> None:
        self._sizes = b""
        self.rest = data
        self._sizes = self.line()

    def line(self) -> bytes:
        """One more line off the rest."""
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def pieces(self, text: bytes) -> Iterator[bytes]:
        """`text`, cut."""
        at = 0
        for size in cycle(self._sizes or b"\0"):
            if at >= len(text):
                return
            yield text[at : at + size % 32 + 1]
            at += size % 32 + 1


def outcome(produce: Callable[[], Iterator[bytes]]) -> tuple[bytes, str]:
    """All that was produced, and the code of the error that ended it, if any.

    No other exception than a VaultError is let through: it is a finding.
    """
    out = b""
    try:
        for piece in produce():
            out += piece
    except VaultError as error:
        return out, error.code
    return out, ""
