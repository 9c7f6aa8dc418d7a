"""Which process wrote something down, and whether it still lives.

A mark is `boot/namespace/pid/start`: the kernel's boot id, the pid namespace, the pid and its start
in clock ticks. It names one process of all that ever ran; only a reader of the same boot and
namespace can tell whether it lives.
"""

import os
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_DEAD_STATES = (b"Z", b"X")
_UNKNOWN = "unknown"


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
    return _started(int(pid)) == rest


@cache
def _here() -> str:
    """The boot and the pid namespace, in which alone a pid means something."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - no path: pid:[…]
    except OSError:
        return _UNKNOWN


def _started(pid: int) -> str | None:
    """When a living process started, in clock ticks since boot; None when there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may itself hold anything: what follows the last one is regular.
    fields = stat.rpartition(b") ")[2].split()
    return None if fields[0] in _DEAD_STATES else fields[19].decode("ascii")
