"""Starting and stopping a worker in the background."""

import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

from proxy_core.base.errors import ERRORS, VaultError
from proxy_core.base.paths import Home, open_private_file
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.wire import Status

START_SECONDS = 30.0
_USAGE_HELP = "`vault-tui worker --help` lists the options."
# The worker ends its error sentence with the code in brackets.
_FAILURE_LINE = re.compile(r"(?P<sentence>[^\n]+) \[(?P<code>[a-z_]+)\]\s*\Z")
_USAGE_LINE = re.compile(r"^vault-tui worker: error: (?P<sentence>[^\n]+)\s*\Z", re.MULTILINE)


def running_status(home: Home) -> Status | None:
    """The status of the home's worker; None when none answers."""
    try:
        return SyncClient(Target(socket=home.socket), timeout=5.0).send(calls.status())
    except VaultError as error:
        if error.code == "no_worker":
            return None
        raise


def ensure_worker(
    home: Home, extra_args: Sequence[str] = (), timeout: float = START_SECONDS
) -> Status:
    """The running worker's status, after starting one if there is none.

    `extra_args` are options of `python -m proxy_core.worker`, used only when one is started.
    Several callers at once start one worker. `timeout` is in seconds. Raises VaultError with the
    worker's own reason (home_unusable, port_in_use, …) or no_worker when it does not come up.
    """
    status = running_status(home)
    if status is not None:
        return status
    home.prepare()
    with _start_lock(home, time.monotonic() + timeout):
        status = running_status(home)
        if status is not None:
            return status
        _spawn(home, extra_args, timeout)
        status = running_status(home)
    if status is None:
        raise VaultError("no_worker", f"The worker stopped at once; see {home.log_file}.")
    return status


def stop_worker(home: Home, timeout: float = 30.0) -> bool:
    """Ask the home's worker to stop and wait for its end; False when none was running.

    After `timeout` seconds a second signal ends it without waiting for streams. Raises
    VaultError: internal when it is alive even then.
    """
    pid = _worker_pid(home)
    if pid is None:
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        for patience in (timeout, 5.0):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGTERM)
            if _readable(handle, patience):
                return True
    finally:
        os.close(handle)
    raise VaultError("internal", f"The worker (process {pid}) does not stop.")


def _worker_pid(home: Home) -> int | None:
    """The pid of whoever holds the worker's lock: a pid file alone may be stale."""
    try:
        descriptor = os.open(home.lock_file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(OSError, ValueError):
            return int(home.pid_file.read_text("ascii"))
        return None
    finally:
        os.close(descriptor)
    return None


@contextmanager
def _start_lock(home: Home, deadline: float) -> Iterator[None]:
    descriptor = open_private_file(home.start_lock_file, os.O_RDWR)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise VaultError("no_worker", "Another start of the worker hangs.") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _spawn(home: Home, extra_args: Sequence[str], timeout: float) -> None:
    """Start the worker detached from this terminal and wait for its `ready` line."""
    command = [sys.executable, "-P", "-m", "proxy_core.worker", "--home", str(home.path)]
    command += ["--log-file", str(home.log_file), *extra_args]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if process.stdout is None:
        raise VaultError("internal", "The worker was started without a pipe.")
    with process.stdout as pipe:
        output = _read_until_ready(pipe.fileno(), time.monotonic() + timeout)
    if output.startswith("ready ") or "\nready " in output:
        process.returncode = 0  # it outlives us on purpose; Popen shall not warn of that
        return
    if process.poll() is None and not _readable_pid(process.pid, 2.0):
        process.kill()
    process.wait()
    _raise_start_failure(home, output)


def _read_until_ready(descriptor: int, deadline: float) -> str:
    output = b""
    while not (b"ready " in output and output.endswith(b"\n")):
        if not _readable(descriptor, deadline - time.monotonic()):
            break
        data = os.read(descriptor, 65536)
        if not data:
            break
        output = (output + data)[-65536:]
    return output.decode("utf-8", "replace")


def failure_told(output: str, name: str) -> VaultError | None:
    """Why a process of ours says that it has ended; `name` is what it calls itself."""
    match = _FAILURE_LINE.search(output)
    if match is None or match["code"] not in ERRORS:
        return None
    return VaultError(match["code"], match["sentence"].removeprefix(f"vault-tui {name}: "))


def _raise_start_failure(home: Home, output: str) -> NoReturn:
    failure = failure_told(output, "worker")
    if failure is not None:
        raise failure
    usage = _USAGE_LINE.search(output)
    if usage is not None:
        raise VaultError("bad_request", usage["sentence"] + ".", {"help": _USAGE_HELP})
    raise VaultError("no_worker", f"The worker did not start; see {home.log_file}.")


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(seconds, 0) * 1000))


def _readable_pid(pid: int, seconds: float) -> bool:
    handle = os.pidfd_open(pid)
    try:
        return _readable(handle, seconds)
    finally:
        os.close(handle)
