"""Processes started by `run`: their trees are refused on the control socket.

A process is its pid and its start time, so that a pid used again is another process. Where there is
no /proc nothing is known of trees; only another user is a strong boundary anywhere.
"""

import os
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.base.processes import Process, read_process

_PROC = Path("/proc")
_MAX_DEPTH = 256
_START_SLACK_SECONDS = 2.0


class RunProcesses:
    """The registry; it forgets processes that have ended."""

    def __init__(self) -> None:
        self._started: dict[int, int] = {}

    def register(self, pid: int) -> Process | None:
        """The process; None where nothing is known of any.

        Raises VaultError: bad_request when no such process runs, or all would be shut out.
        """
        if not _PROC.is_dir():
            return None
        process = read_process(pid)
        if pid <= 1 or process is None:
            raise VaultError("bad_request", f"run_pid {pid} is no running process")
        self._forget_ended()
        self._started[pid] = process.started
        return process

    def restore(self, pid: int, registered_at: float) -> None:
        """Take over a registration from before a restart (`registered_at`: epoch seconds).

        A process that started later only has the same pid.
        """
        process, boot = read_process(pid), _boot_time()
        if process is None or boot is None:
            return
        started_at = boot + process.started / os.sysconf("SC_CLK_TCK")
        if started_at <= registered_at + _START_SLACK_SECONDS:
            self._started[pid] = process.started

    def contains(self, pid: int) -> bool:
        """Whether `pid` or one of its ancestors was registered and is the same process."""
        if not self._started:
            return False
        for _ in range(_MAX_DEPTH):
            process = read_process(pid) if pid > 0 else None
            if process is None:
                return False
            if self._started.get(pid) == process.started:
                return True
            pid = process.parent
        return True  # no real tree is that deep

    def _forget_ended(self) -> None:
        for pid, started in list(self._started.items()):
            process = read_process(pid)
            if process is None or process.started != started:
                del self._started[pid]


def _boot_time() -> float | None:
    try:
        lines = (_PROC / "stat").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), None)
