"""Lines of standard input, waited for together with something else."""

import os
import select

from proxy_core.base.errors import VaultError

MAX_LINE_BYTES = 1024 * 1024
_CHUNK = 64 * 1024
_LOOK_SECONDS = 0.5
"""A signal that comes just before a wait begins does not end it: it is looked for so often."""


class Lines:
    """Reads the descriptor itself, so that nothing is read ahead into another's buffer."""

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether there will be no more."""
        return self._ended and not self._buffer

    def next(self, wake: int | None = None) -> str | None:
        """The next line that isn't blank, without its end.

        None: `wake` can be read first, or the input has ended.
        Raises VaultError bad_request: too long, not UTF-8.
        """
        while True:
            line = self._buffered()
            if line is not None and line.strip():
                return line.strip()
            if line is None and not self._more(wake):
                return None

    def _buffered(self) -> str | None:
        line, end, rest = self._buffer.partition(b"\n")
        if len(line) > MAX_LINE_BYTES:
            raise VaultError("bad_request", "Standard input holds a line of more than 1 MiB.")
        if not end and not (self._ended and line):
            return None
        self._buffer = rest
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise VaultError("bad_request", "Standard input is not UTF-8 text.") from None

    def _more(self, wake: int | None) -> bool:
        """Read on; False when there will be no more, or `wake` was first."""
        if self._ended:
            return False
        waited = [self._descriptor] if wake is None else [self._descriptor, wake]
        while not (ready := select.select(waited, [], [], _LOOK_SECONDS)[0]):
            pass
        if wake in ready:
            return False
        try:
            data = os.read(self._descriptor, _CHUNK)
        except OSError:  # a terminal that has gone
            data = b""
        self._ended = not data
        self._buffer += data
        return True
