"""Hardening of the worker's process, so that its memory does not reach a disk or a debugger."""

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def harden_process() -> bool:
    """Forbid core dumps and, on Linux, ptrace and /proc/PID/mem by the same user.

    Returns whether every measure took effect.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return False
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return int(prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0
