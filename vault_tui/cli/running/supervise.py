"""Runs one command in the foreground of this terminal and answers for everything it started.

Rules:

- The command stays in our process group: the terminal's Ctrl-C, Ctrl-Z and job control reach it as
  if it had been started by the shell. A signal from the terminal is therefore not passed on; one
  that another process sent to us alone is.
- We are the reaper of the command's orphans (`PR_SET_CHILD_SUBREAPER`): a process that it left
  running stays below us, where the worker recognises it as an agent's, and is ended with it.
- We are not dumpable: an agent of the same user can't read our environment or memory.
- The command is told to end when we are killed; its session is ended by the worker then.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from vault_tui.cli.running.spawning import spawn

NOT_FOUND, NOT_EXECUTABLE = 127, 126
_SIGNALLED = 128
_GRACE_SECONDS = 3.0

_PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 4, 36
# siginfo.si_code of a signal that a process sent: SI_USER, SI_QUEUE, SI_TKILL. Others: the kernel.
_SENT_BY_PROCESS = frozenset({0, -1, -6})
_PASSED_ON = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_WAITED_FOR = frozenset({signal.SIGCHLD, *_PASSED_ON})


class NotStarted(click.ClickException):
    """The command can't be started; the exit code is a shell's, 127 or 126."""

    def __init__(self, program: str, why: str, exit_code: int) -> None:
        super().__init__(f"{program}: {why}")
        self.exit_code = exit_code  # type: ignore[misc]  # click reads the instance's


def shield() -> None:
    """Become reaper of orphans and unreadable for other processes. Linux; elsewhere nothing."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def signals_held() -> Iterator[None]:
    """Keep signals for `run_command`, until what has to follow the command has been done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    try:
        yield
    finally:
        # What came for the command alone (a late Ctrl-C) is not for the rest of our run.
        while signal.sigtimedwait(_WAITED_FOR, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `command` and wait; its exit status, or 128+n if signal n ended it.

    Processes it left running have been ended on return; what was there before stays, such as a
    worker that was started for it. To be called within `signals_held`. Raises NotStarted.
    """
    spared = frozenset(_descendants(os.getpid()))
    try:
        child = spawn(command, environment)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotStarted(command[0], "there is no such program", NOT_FOUND) from error
    except OSError as error:
        raise NotStarted(command[0], error.strerror or "?", NOT_EXECUTABLE) from error
    status = _wait_for(child)
    end_leftovers(spared=spared)
    return status


def _wait_for(child: int) -> int:
    """Reap until `child` has ended, passing signals on."""
    while True:
        for pid, code in _reaped():
            if pid == child:
                return code if code >= 0 else _SIGNALLED - code
        information = signal.sigwaitinfo(_WAITED_FOR)
        if information.si_signo in _PASSED_ON and information.si_code in _SENT_BY_PROCESS:
            with suppress(ProcessLookupError):
                os.kill(child, information.si_signo)


def _reaped() -> Iterable[tuple[int, int]]:
    """Every child that has ended, with its exit status (negative: signal)."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def end_leftovers(
    grace_seconds: float = _GRACE_SECONDS, spared: frozenset[int] = frozenset()
) -> None:
    """End our descendants but for those `spared`: SIGTERM, then SIGKILL after the grace."""
    _end(signal.SIGTERM, time.monotonic() + grace_seconds, spared)
    _end(signal.SIGKILL, time.monotonic() + grace_seconds, spared)


def _end(with_signal: signal.Signals, deadline: float, spared: frozenset[int]) -> None:
    told: set[int] = set()
    while left := _descendants(os.getpid()) - spared:
        for pid in left - told:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, with_signal)
                os.kill(pid, signal.SIGCONT)  # a stopped process acts on nothing else
        told |= left
        if not _child_ended(deadline):
            return


def _child_ended(deadline: float) -> bool:
    """Wait for a child's end and reap it; False at the deadline."""
    while not list(_reaped()):
        remaining = deadline - time.monotonic()
        if remaining <= 0 or signal.sigtimedwait({signal.SIGCHLD}, remaining) is None:
            return False
    return True


def _descendants(root: int) -> set[int]:
    """Living processes below `root`, by /proc."""
    parents = dict(_parents())
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(below)
    return found


def _parents() -> Iterable[tuple[int, int]]:
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text("ascii", "replace")
        except OSError:
            continue  # it has ended meanwhile
        # pid (name) state ppid …: the name may hold spaces and brackets.
        state, parent = text.rpartition(")")[2].split()[:2]
        if state != "Z":
            yield int(entry.parent.name), int(parent)
