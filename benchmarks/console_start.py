"""Rows of how long commands take as processes: the console's first frame, and `status`."""

import fcntl
import os
import pty
import resource
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.lab import Lab
from benchmarks.report import Row, within
from benchmarks.tools import processor_seconds
from benchmarks.worker import VAULT_TUI
from proxy_core.base.paths import Home
from proxy_core.client.launcher import ensure_worker, stop_worker

FRAME, ANSWERED = b"Services", b"protected"
_GIVE_UP_SECONDS, _TIMES = 30.0, 5


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
        frame, processor = time.perf_counter() - began, processor_seconds(console.pid)
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


def console_start(lab: Lab) -> Iterator[Row]:
    """From `vault-tui` to its first frame, a worker running already, and to the worker's answer."""
    home = Home(lab.directory / "console-start")
    ensure_worker(home, ["--port", "0", "--proxy-port", "0"])
    try:
        starts = [start_once(home) for _ in range(_TIMES)]
    finally:
        stop_worker(home)
    frame, processor, answered = (
        statistics.median(column)
        for column in zip(*((s.frame, s.processor, s.answered) for s in starts), strict=True)
    )
    yield Row("console's first frame, s", frame, target=within(1.0))
    yield Row("console's first frame, processor s", processor)
    yield Row("console until the worker's state shows, s", answered)


def status(lab: Lab) -> Iterator[Row]:
    """`vault-tui status`, as a status bar runs it every second."""
    assert lab.ours.worker is not None
    environment = lab.ours.worker.environment
    for form in ("--json", "--short"):
        times, processor = [], []
        for _ in range(3 * _TIMES):
            used, began = children_seconds(), time.perf_counter()
            subprocess.run(
                [VAULT_TUI, "status", form], env=environment, check=True, stdout=subprocess.DEVNULL
            )
            times.append((time.perf_counter() - began) * 1e3)
            processor.append((children_seconds() - used) * 1e3)
        yield Row(f"`status {form}`, ms", statistics.median(times), target=within(150))
        yield Row(f"`status {form}`, processor ms", statistics.median(processor))


def children_seconds() -> float:
    """Processor time of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
