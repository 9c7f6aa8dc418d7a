"""`python -m proxy_core.worker.restoring`: puts a backup in the place of a home's database.

No worker of the home may run. Lines of JSON on standard input and output:

    in    {"password": "…"}                 empty: a key file (--keyfile), or the OS keyring
    out   what the backup holds             `Held`
    in    {"restore": true}                 anything else leaves all as it is
    out   what was done                     `Done`

A failure is one sentence on standard error, which ends in the code in brackets.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.base.text import display_safe
from proxy_core.domain import restoring as talk
from proxy_core.worker.instance import only_worker

PRIVATE_UMASK = 0o077
MAX_LINE = 64 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore as told on standard input; returns the exit status."""
    try:
        return restore(_options(arguments), sys.stdin.buffer, sys.stdout.buffer)
    except VaultError as error:
        sentence = display_safe(str(error)).rstrip()
        print(f"vault-tui restore: {sentence} [{error.code}]", file=sys.stderr, flush=True)
        return error.exit_code


def restore(options: argparse.Namespace, told: BinaryIO, out: BinaryIO) -> int:
    """Hold the home's lock, and restore. Raises VaultError: as `services.restoring.restore`, and
    already_running.
    """
    os.umask(PRIVATE_UMASK)
    from proxy_core.seal import harden_process
    from proxy_core.seal.backup_file import BackupHead
    from proxy_core.services import restoring
    from proxy_core.store.copying import Contents

    harden_process()
    home = Home.locate(options.home)
    home.prepare()
    with only_worker(home):
        key = restoring.Key(_read(told, talk.Open).password, options.keyfile)

        def agreed(head: BackupHead, contents: Contents) -> bool:
            held = [
                talk.HeldVault(name=one.name, credentials=one.credentials, services=one.services)
                for one in contents.vaults
            ]
            made_at = rfc3339(head.created_at)
            _say(out, talk.Held(made_at, head.version, held, contents.agents))
            return _read(told, talk.Answer).restore

        done = restoring.restore(
            options.backup, home.database, key, replace=options.replace, agreed=agreed
        )
    if done is not None:
        aside = "" if done.aside is None else str(done.aside)
        _say(out, talk.Done(aside=aside, reconnect=done.reconnect))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vault-tui restore", description=__doc__)
    parser.add_argument("backup", type=Path)
    parser.add_argument("--home", required=True)
    parser.add_argument("--keyfile", type=Path)
    parser.add_argument("--replace", action="store_true")
    return parser.parse_args(arguments)


def _read(told: BinaryIO, kind: type[talk.T]) -> talk.T:
    """The next line; whoever says nothing more has said no."""
    try:
        return msgspec.json.decode(told.readline(MAX_LINE) or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise VaultError("bad_request", "Standard input is not understood.") from None


def _say(out: BinaryIO, line: msgspec.Struct) -> None:
    out.write(msgspec.json.encode(line) + b"\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
