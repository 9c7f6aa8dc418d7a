"""Processes and directories that don't outlive the demo, however it ends.

- A child gets SIGTERM or SIGKILL from the kernel when its parent dies (PR_SET_PDEATHSIG, Linux).
- A directory is removed by a janitor, a shell that waits for the end of its standard input: the
  kernel closes it when we die, of SIGKILL too.
"""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# The worker may still be writing while it is being ended: try again until nothing is left.
_SWEEP = """cat >/dev/null
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$1" 2>/dev/null && exit 0
    sleep 0.2
done"""


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `with_signal` when the calling thread has ended."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)

    return tie


class Janitor:
    """Removes `directory` when it is dismissed or when this process is gone."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a fixed script; the path is an argument
            ["/bin/sh", "-c", _SWEEP, "janitor", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C is not for it
        )

    def dismiss(self) -> None:
        """Let it sweep now, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
