"""Who asks again for a token that it still holds was refused with it.

Claude Code runs its command once, keeps the token for as long as its settings say, and drops it
only when it is answered 401 or 403 (or when its settings change). It passes that time on to the
command, as CLAUDE_CODE_API_KEY_HELPER_TTL_MS. So for each such program, by process and not by user,
an empty file of the login's directory tells by its date when it was given a token. Who says nothing
of the kind, a script in a loop, or a shell that Claude Code started for its model, leaves no mark.

Imports nothing that costs time: this is asked before every cached token.
"""

import os
import sys
import time

from proxy_core.base.locating import home_path
from proxy_core.tokens.quick import DIRECTORY, LOGIN_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

YOUNG_SECONDS = 30.0
"""A token of this age is not replaced: who refuses it would refuse the next one as well."""

_KEEPS = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"
_IN_A_TOOL = "CLAUDECODE"
_MARK = "given."
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh"})


def refused_since(environ: "Mapping[str, str]") -> float | None:
    """When the program that asks was given the token that it must have been refused with, in epoch
    seconds; None where nothing speaks for a refusal.
    """
    kept = _kept_seconds(environ)
    client = kept and _client()
    if not client:
        return None
    directory = f"{home_path(environ)}/{DIRECTORY}"
    given, made = _date(f"{directory}/{_MARK}{client}"), _date(f"{directory}/{LOGIN_FILE}")
    if given is None or made is None:
        return None
    now = time.time()
    is_old = made <= given and now - made >= YOUNG_SECONDS
    return given if is_old and now - given < kept else None


def note_given(environ: "Mapping[str, str]") -> None:
    """Remember that the program that asks has been given a token. Whatever fails: it isn't."""
    client = _client() if _kept_seconds(environ) else ""
    if not client:
        return
    directory = f"{home_path(environ)}/{DIRECTORY}"
    path = f"{directory}/{_MARK}{client}"
    try:
        if _date(path) is None:
            _sweep(directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))
        os.utime(path, follow_symlinks=False)
    except OSError:  # it is asked again in vain once: no reason to withhold the token
        return


def _kept_seconds(environ: "Mapping[str, str]") -> float:
    """How long the program says it keeps a token; 0 where it doesn't."""
    text = environ.get(_KEEPS, "")
    if environ.get(_IN_A_TOOL) or not (text.isascii() and text.isdigit()):
        return 0.0
    return int(text[:12]) / 1000


def _client() -> str:
    """The process that asks, by number and start: behind the `sh -c` that it starts the command
    with. Empty where that can't be told.
    """
    if sys.platform != "linux":
        return str(os.getppid())
    pid = os.getppid()
    for _ in range(2):
        name, parent, began = _process(pid)
        if name not in _SHELLS or not _is_wrapper(pid):
            return f"{pid}-{began}" if began else ""
        pid = parent
    return ""


def _process(pid: int) -> tuple[str, int, str]:
    """Name, parent and start of a process, as the kernel tells; empty ones if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms
            line = file.read().decode("ascii", "replace")
    except OSError:
        return "", 0, ""
    name, _, rest = line.partition("(")[2].rpartition(")")
    fields = rest.split()
    return name, int(fields[1]), fields[19]


def _is_wrapper(pid: int) -> bool:
    """Whether a shell was started with one command to run."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms
            return b"-c" in file.read(4096).split(b"\0")[1:3]
    except OSError:
        return False


def _sweep(directory: str) -> None:
    """Take away what is left of programs that have ended."""
    for name in os.listdir(directory):  # noqa: PTH208 - pathlib costs 10 ms
        if name.startswith(_MARK):
            pid, _, began = name[len(_MARK) :].partition("-")
            if not pid.isdigit() or not _runs(int(pid), began):
                os.unlink(f"{directory}/{name}")  # noqa: PTH108 - as above


def _runs(pid: int, began: str) -> bool:
    if began:
        return _process(pid)[2] == began
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _date(path: str) -> float | None:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return None
