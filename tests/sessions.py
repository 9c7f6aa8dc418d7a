"""Process sessions: whether this one has a leader, and commands in one that has none."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from proxy_core.base.processes import read_process

# Leads a session, starts the command in it and ends; the command waits until that is certain.
_LEADER = """
import os, subprocess, sys
gone, status = int(sys.argv[1]), int(sys.argv[2])
if os.fork():
    os._exit(0)
os.read(gone, 1)
code = subprocess.call(sys.argv[3:])
os.write(status, str(code).encode())
"""


def has_leader() -> bool:
    """Whether the leader of this process's session can be seen: else nothing identifies it."""
    leader = read_process(os.getsid(0))
    return leader is not None and leader.session == leader.pid


class Leaderless:
    """A command in a session whose leader has ended, as a daemon's double fork leaves it.

    `options` are those of `subprocess.Popen`, of the leader and so of the command.
    """

    def __init__(self, *command: str, **options: Any) -> None:
        gone, self._gone = os.pipe()
        self._status, status = os.pipe()
        self._leader = subprocess.Popen(
            [sys.executable, "-c", _LEADER, str(gone), str(status), *command],
            start_new_session=True,
            pass_fds=(gone, status),
            **options,
        )
        os.close(gone)
        os.close(status)
        assert self._leader.wait(30) == 0
        os.close(self._gone)

    def wait(self) -> int:
        """The command's exit status, once it has ended; to be asked once."""
        with os.fdopen(self._status, "rb") as status:
            return int(status.read())

    def communicate(self, text: str = "") -> tuple[str, str]:
        """Give it standard input; what it wrote to standard output and error, to their ends."""
        shown: tuple[str, str] = self._leader.communicate(text, timeout=60)
        return shown


def run_leaderless(
    *command: str, text: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` with text and captured output, in a session without a leader."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = Leaderless(*command, env=env, text=True, **pipes)
    out, errors = process.communicate(text)
    return subprocess.CompletedProcess(command, process.wait(), out, errors)
