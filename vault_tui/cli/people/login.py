"""login, logout: signing in to a worker elsewhere, with a name and a password."""

import sys
from dataclasses import replace

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Command, pass_connection
from vault_tui.cli.people import sign_ins


@click.command(cls=Command)
@click.option("--email", metavar="NAME", help="Who you are; asked for when it is missing.")
@pass_connection
def login(connection: Connection, email: str | None) -> None:
    """Sign in to a worker elsewhere (--addr or VAULT_TUI_ADDR).

    The password is asked for, or read as one line from standard input. The session's token is kept
    in VAULT_TUI_HOME for commands with this address; VAULT_TUI_TOKEN wins over it.
    """
    target = remote(connection)
    name = email or _asked_name()
    password = typed_password("Password")
    made = SyncClient(replace(target, token="")).send(calls.login(name, password))
    signed_in = sign_ins.SignIn(name, made.token, made.expires_at)
    sign_ins.keep(connection.home, target.base_url, signed_in)
    output.emit(
        f"Signed in to {output.safe(target.base_url)} as {output.safe(name)}"
        f" until {output.safe(made.expires_at)}."
    )


@click.command(cls=Command)
@pass_connection
def logout(connection: Connection) -> None:
    """Sign out of a worker elsewhere: its session ends, and the token kept here goes."""
    target = remote(connection)
    kept = sign_ins.of(connection.home, target.base_url)
    if kept is None:
        raise Usage(f"Not signed in to {target.base_url}")
    try:
        SyncClient(replace(target, token=kept.token)).send(calls.logout())
    except VaultError as error:
        if error.code != "unauthorized":  # it has ended already: that is as good
            raise
    sign_ins.forget(connection.home, target.base_url)
    output.emit(f"Signed out of {output.safe(target.base_url)}.")


def remote(connection: Connection) -> Target:
    """The worker elsewhere that the command is about. Raises Usage when it is this machine's."""
    target = connection.target
    if not target.base_url or connection.is_agent:
        raise Usage("Say which worker: --addr URL. On this machine, `vault-tui unlock` does it")
    return target


def typed_password(label: str, *, twice: bool = False) -> str:
    """From a hidden prompt, or a line of standard input."""
    if sys.stdin.isatty():
        return secret_input.prompt(label, twice=twice)
    return secret_input.line_from_stdin()


def _asked_name() -> str:
    if not sys.stdin.isatty():
        raise Usage("Say who you are: --email NAME")
    return str(click.prompt("E-mail or login name", err=True))
