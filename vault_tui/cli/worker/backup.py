"""backup and restore: the whole vault in one encrypted file."""

import os
from pathlib import Path

import click

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.client import calls, restorer
from proxy_core.domain.restoring import Held
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Command, confirm, json_option, pass_connection, yes_option

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("file", type=_FILE)
@click.option("--passphrase-stdin", is_flag=True, help="Opens it too: one line of stdin.")
@json_option
@pass_connection
def backup(connection: Connection, file: Path, passphrase_stdin: bool, as_json: bool) -> None:
    """Write the whole vault into one new, encrypted FILE while the worker runs.

    Whatever opens the vault opens the backup: on another machine, a password. A vault without a
    password slot needs --passphrase-stdin.
    """
    if not connection.is_local:
        raise Usage("A backup is made on the worker's machine")
    passphrase = secret_input.line_from_stdin() if passphrase_stdin else ""
    if passphrase_stdin and not passphrase:
        raise Usage("The passphrase is empty")
    made = connection.send(calls.make_backup(str(file.absolute()), passphrase))
    if as_json:
        output.emit_json(made)
    else:
        output.emit(f"Wrote {output.safe(made.path)}, as the vault was at {made.created_at}.")


@click.command
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--password-stdin", is_flag=True, help="Password or passphrase: one line of stdin.")
@click.option("--keyfile", type=_FILE, metavar="PATH", help="Open it by a slot's key file.")
@click.option("--keyring", "use_keyring", is_flag=True, help="Open it by the OS keyring.")
@click.option("--replace", is_flag=True, help="Put the vault that is there aside.")
@yes_option
@json_option
@pass_connection
def restore(
    connection: Connection,
    file: Path,
    password_stdin: bool,
    keyfile: Path | None,
    use_keyring: bool,
    replace: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Restore the vault from a backup FILE into an empty data directory; the worker is stopped.

    Shows what the backup holds and asks. What was revoked since counts again: look at the agents.
    """
    if password_stdin + use_keyring + (keyfile is not None) > 1:
        raise Usage("Choose one of --password-stdin, --keyfile and --keyring")
    if os.environ.get(variables.DATABASE_URL):
        raise Usage(
            f"{variables.DATABASE_URL} names a database elsewhere: this restores the home's"
        )
    password = ""
    if not use_keyring and keyfile is None:
        password = _password(password_stdin)
        if not password:  # not to be tried with the OS keyring instead
            raise Usage("The password is empty")

    def agreed(held: Held) -> bool:
        if not as_json:
            _show(held)
        confirm(f"Restore it into {output.safe(connection.home.path)}?", yes)
        return True

    done = restorer.restore(
        connection.home, file, password, keyfile, replace=replace, agreed=agreed
    )
    if done is None:
        raise VaultError("internal", "The backup was not restored.")
    if as_json:
        output.emit_json(done)
        return
    output.emit("Restored. `vault-tui start` serves it.")
    if done.aside:
        output.emit(f"The vault before is kept as {output.safe(done.aside)}.")
    if done.reconnect:
        say(f"{done.reconnect} logins have to be connected anew: their tokens were used since.")


def _password(password_stdin: bool) -> str:
    if password_stdin:
        return secret_input.line_from_stdin()
    given = secret_input.master_password_from_environment()
    if given is not None:
        return given
    if not secret_input.can_prompt():
        raise Usage("Say what opens the backup: --password-stdin, --keyfile PATH or --keyring")
    return secret_input.prompt("Password of the backup")


def _show(held: Held) -> None:
    version = output.safe(held.version)
    output.emit(f"Backup of {output.safe(held.created_at)}, by version {version}.")
    rows = [(one.name, one.credentials, one.services) for one in held.vaults]
    output.emit_table(("VAULT", "CREDENTIALS", "SERVICES"), rows, "It holds no vault.")
    output.emit(f"Agents: {held.agents}.")
