"""From `vault-tui` to the first frame, and to the worker's answer, as a process in a terminal.

    python -m benchmarks.console_start [--times 5]

A worker runs already. Printed per start: seconds until the screens' names are on the terminal, the
processor seconds spent until then, and seconds until the worker's state is shown.
"""

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from proxy_core.base.paths import Home
from proxy_core.client.launcher import ensure_worker, stop_worker

FRAME, ANSWERED = b"Services", b"protected"
_GIVE_UP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Start:
    """All in seconds; `processor` is user and system time until the first frame."""

    frame: float
    processor: float
    answered: float


def start_once(home: Home) -> Start:
    """Start the console in a pseudo terminal of 120 by 40, and end it when it is usable."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began = time.perf_counter()
    console = subprocess.Popen(
        [sys.executable, "-m", "vault_tui"], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "VAULT_TUI_HOME": str(home.path), "TERM": "xterm-256color"},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = _read_until(mine, b"", FRAME, began)
        frame, processor = time.perf_counter() - began, _processor_seconds(console.pid)
        _read_until(mine, shown, ANSWERED, began)
        return Start(frame, processor, time.perf_counter() - began)
    finally:
        console.kill()
        console.wait()
        os.close(mine)


def _read_until(terminal: int, shown: bytes, wanted: bytes, began: float) -> bytes:
    while wanted not in shown:
        left = _GIVE_UP_SECONDS - (time.perf_counter() - began)
        if not select.select([terminal], [], [], max(left, 0))[0]:
            raise TimeoutError(f"{wanted!r} never appeared")
        shown += os.read(terminal, 65_536)
    return shown


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start several times and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as directory:
        home = Home(Path(directory) / "home")
        ensure_worker(home, ["--port", "0", "--proxy-port", "0"])
        try:
            starts = [start_once(home) for _ in range(times)]
        finally:
            stop_worker(home)
    print(f"{'frame s':>12}{'processor s':>12}{'answered s':>12}")
    for start in starts:
        print(f"{start.frame:>12.2f}{start.processor:>12.2f}{start.answered:>12.2f}")
    print(f"median first frame: {statistics.median(s.frame for s in starts):.2f} s")


if __name__ == "__main__":
    main()
