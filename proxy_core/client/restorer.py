"""Restoring a backup: the process that does it, and what is said to it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client.launcher import failure_told
from proxy_core.domain.restoring import Answer, Done, Held, Open, T


def restore(
    home: Home,
    backup: Path,
    password: str,
    keyfile: Path | None,
    *,
    replace: bool,
    agreed: Callable[[Held], bool],
) -> Done | None:
    """Put a backup in the place of the home's database; None when `agreed` says no.

    Raises VaultError with the process's own reason: already_running, conflict, backup_damaged,
    wrong_key, database_newer, …, and what `agreed` raises.
    """
    command = [sys.executable, "-P", "-m", "proxy_core.worker.restoring", str(backup.absolute())]
    command += ["--home", str(home.path)]
    command += ["--keyfile", str(keyfile.absolute())] if keyfile is not None else []
    command += ["--replace"] if replace else []
    environment = {k: v for k, v in os.environ.items() if k != variables.MASTER_PASSWORD}
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    ) as process:
        done = _talk(process, password, agreed)
        output = b"" if process.stderr is None else process.stderr.read()
        if process.wait():
            failure = failure_told(output.decode("utf-8", "replace"), "restore")
            raise failure or VaultError("internal", "Restoring has ended without saying why.")
        return done


def _talk(
    process: subprocess.Popen[bytes], password: str, agreed: Callable[[Held], bool]
) -> Done | None:
    told, said = process.stdin, process.stdout
    assert told is not None
    assert said is not None
    try:
        _say(told, Open(password))
        held = _hear(said, Held)
        if held is None:
            return None
        _say(told, Answer(agreed(held)))
        return _hear(said, Done)
    except BrokenPipeError:  # it has ended, and says why
        return None
    finally:
        told.close()


def _say(told: IO[bytes], line: msgspec.Struct) -> None:
    told.write(msgspec.json.encode(line) + b"\n")
    told.flush()


def _hear(said: IO[bytes], kind: type[T]) -> T | None:
    line = said.readline()
    return msgspec.json.decode(line, type=kind) if line else None
