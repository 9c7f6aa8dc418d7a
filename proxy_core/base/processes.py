"""Processes as the kernel tells of them: one by its pid, and which one wrote something down.

A mark is `boot/namespace/pid/start`: the kernel's boot id, the pid namespace, the pid and its start
in clock ticks. It names one process of all that ever ran; only a reader of the same boot and
namespace can tell whether it lives.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_DEAD_STATES = (b"Z", b"X")
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc/PID/stat has it; `started` is in clock ticks since boot.

    `ended`: nothing of it runs any more, only its parent has not yet asked for its exit status.
    """

    pid: int
    parent: int
    session: int
    started: int
    ended: bool = False


def read_process(pid: int) -> Process | None:
    """The process `pid`; None when there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may itself hold anything: what follows the last one is regular.
    state, *numbers = stat.rpartition(b") ")[2].split()
    parent, session, started = (int(numbers[place]) for place in (0, 2, 18))
    return Process(pid, parent, session, started, state in _DEAD_STATES)


def runs(process: Process) -> bool:
    """Whether it is still there, and not another one with its pid."""
    now = read_process(process.pid)
    return now is not None and not now.ended and now.started == process.started


def own_mark() -> str:
    """This process's mark; `unknown/PID` where the kernel tells no more."""
    pid = os.getpid()
    started = _started(pid)
    return f"{_UNKNOWN}/{pid}" if started is None else f"{_here()}/{pid}/{started}"


def lives(mark: str) -> bool | None:
    """Whether the marked process lives; None: that can't be told from here."""
    here, _, rest = mark.rpartition("/")
    here, _, pid = here.rpartition("/")
    if here != _here() or not pid.isdecimal():
        return None
    started = _started(int(pid))
    return started is not None and str(started) == rest


@cache
def _here() -> str:
    """The boot and the pid namespace, in which alone a pid means something."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - no path: pid:[…]
    except OSError:
        return _UNKNOWN


def _started(pid: int) -> int | None:
    """When a living process started; None when there is none."""
    process = read_process(pid)
    return None if process is None or process.ended else process.started
