"""worker, start, stop: the worker's process."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from proxy_core.base.errors import VaultError
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import pass_connection

# The worker parses its own options; so that they are described in one place, they pass as they are.
_PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=_PASS_ON, add_help_option=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def worker(options: Sequence[str]) -> NoReturn:
    """Run the worker in the foreground, for systemd and containers."""
    command = [sys.executable, "-P", "-m", "proxy_core.worker", *options]
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and module, no shell


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[WORKER OPTIONS]…")
@pass_connection
def start(connection: Connection, options: Sequence[str]) -> None:
    """Start the worker in the background; options are those of `vault-tui worker`."""
    from proxy_core.client.launcher import ensure_worker, running_status

    home = connection.home
    running = running_status(home)
    if running is not None and options:
        raise VaultError("already_running", "The worker runs already; stop it to change options.")
    status = running or ensure_worker(home, options)
    word = "Running already" if running else "Started"
    output.emit(f"{word}: API {output.safe(status.api)}, proxy {output.safe(status.proxy)}.")
    if not status.initialized:
        output.emit("It is not set up yet: `vault-tui init`.")
    elif status.sealed:
        output.emit("It is sealed: `vault-tui unseal` opens it.")


@click.command
@pass_connection
def stop(connection: Connection) -> None:
    """Stop the worker; streams may finish first, within a limit."""
    from proxy_core.client.launcher import stop_worker

    if not stop_worker(connection.home):
        raise VaultError("no_worker", "No worker is running.", {"help": "Nothing to stop."})
    output.emit("Stopped.")
