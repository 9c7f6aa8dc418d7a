"""Who is at the other end of the control socket, as the kernel tells it.

A pid alone proves little: it may have ended and been given to another process. A process is its pid
and its start time, and what /proc says of it counts only if both are the same before and after.
"""

import os
import pwd
import select
import socket
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from proxy_core.base import variables
from proxy_core.base.processes import Process, read_process

RUN_MARKER = f"{variables.AGENT_TOKEN}=".encode()
_SO_PEERPIDFD = 77
_UCRED = struct.Struct("3i")
_LONGEST_LINEAGE = 1024


class Peer:
    """The process that connected. `process` None: it ended before it could be looked at."""

    def __init__(self, pid: int, uid: int, gid: int, pidfd: int | None) -> None:
        self.pid, self.uid, self.gid = pid, uid, gid
        self._pidfd = pidfd
        self.process = self._same(read_process(pid))

    @classmethod
    def of(cls, connection: socket.socket) -> "Peer":
        """The peer of a connected Unix socket. Raises OSError when it is none."""
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        pid, uid, gid = _UCRED.unpack(raw)
        try:
            pidfd: int | None = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
        except OSError:  # before Linux 6.5: the start time alone has to do
            pidfd = None
        return cls(pid, uid, gid, pidfd)

    @property
    def is_alive(self) -> bool:
        """Whether the process that connected still runs, and is the one we looked at."""
        return self.process is not None and self._same(read_process(self.pid)) is not None

    @property
    def name(self) -> str:
        """The Unix user, for people."""
        return user_name(self.uid)

    def close(self) -> None:
        """Let go of the kernel's handle on the process."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _same(self, found: Process | None) -> Process | None:
        """`found`, if it is certainly the process that connected."""
        known = getattr(self, "process", None)
        if found is None or (known is not None and known.started != found.started):
            return None
        return None if self._pidfd is not None and _has_ended(self._pidfd) else found


def has_run_marker(process: Process) -> bool:
    """Whether the process or an ancestor shows an agent's token in its environment.

    An environment that may not be read counts as clean: this catches agents that have left their
    process tree, and is no boundary by itself.
    """
    return any(_shows_marker(ancestor.pid) for ancestor in lineage(process))


def lineage(process: Process) -> Iterator[Process]:
    """The process, its parent, and so on; as far as they can be seen."""
    current: Process | None = process
    for _ in range(_LONGEST_LINEAGE):
        if current is None:
            return
        yield current
        current = read_process(current.parent) if current.parent > 1 else None


@lru_cache(64)
def user_name(uid: int) -> str:
    """The user's name, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _shows_marker(pid: int) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return environment.startswith(RUN_MARKER) or b"\0" + RUN_MARKER in environment


def _has_ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
