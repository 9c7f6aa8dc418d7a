"""`vault-tui credential set-command|approve|test`: a value that another program tells."""

import shlex
from collections.abc import Sequence

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.wire import CommandInfo, SetCommand
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import (
    Command,
    confirm,
    json_option,
    pass_connection,
    vault_option,
    yes_option,
)


@click.command("set-command", cls=Command)
@click.argument("key")
@click.argument("argv", nargs=-1, required=True, metavar="-- PROGRAM [ARGUMENT]…")
@click.option("--ttl", default=300, show_default=True, metavar="S", help="Seconds a value is kept.")
@click.option("--timeout", default=20, show_default=True, metavar="S", help="Seconds a run gets.")
@click.option("--json-path", default="", metavar="PATH", help="One field of JSON: a.b.0 or /a/b/0.")
@click.option("--keep-newline", is_flag=True, help="Keep the newline that ends the output.")
@click.option("--env", multiple=True, metavar="NAME", help="Pass on a variable of the worker's.")
@vault_option
@pass_connection
def set_command(
    connection: Connection,
    key: str,
    argv: Sequence[str],
    ttl: int,
    timeout: int,
    json_path: str,
    keep_newline: bool,
    env: Sequence[str],
    vault: str | None,
) -> None:
    """Let a program tell the value: set-command KEY -- op read op://Work/GitHub/token

    The worker runs it, without a shell, once you have approved it. Arguments are no place for
    secrets: they are shown.
    """
    check_credential_key(key)
    name = connection.vault(vault)
    asked = SetCommand(
        argv=list(argv),
        vault=name,
        ttl_seconds=ttl,
        timeout_seconds=timeout,
        json_path=json_path,
        keep_newline=keep_newline,
        env=list(env),
    )
    done = connection.send(calls.set_command(key, asked))
    output.emit(f"Set {output.safe(done.key)}. It runs after: {_approval(done)}")
    if done.problem:
        output.emit(output.safe(done.problem))


@click.command(cls=Command)
@click.argument("key")
@vault_option
@yes_option
@pass_connection
def approve(connection: Connection, key: str, vault: str | None, yes: bool) -> None:
    """Look at a credential's command, and let exactly this one run."""
    name = connection.vault(vault)
    found = connection.send(calls.command(key, name))
    if found.problem:
        raise VaultError("bad_request", found.problem)
    output.emit_fields(_fields(found))
    confirm("Let the worker run this program, with its own rights?", yes)
    done = connection.send(calls.approve_command(key, found.digest, name))
    output.emit(f"Approved {output.safe(done.key)}.")


@click.command(cls=Command)
@click.argument("key")
@vault_option
@json_option
@pass_connection
def test(connection: Connection, key: str, vault: str | None, as_json: bool) -> None:
    """Run a credential's approved command now; the value is not shown."""
    tried = connection.send(calls.try_command(key, connection.vault(vault)))
    if as_json:
        output.emit_json(tried)
    if not tried.ok:
        raise VaultError("command_failed", tried.error)
    if not as_json:
        output.emit(f"{output.safe(tried.key)} has a value, after {tried.seconds:g} s.")


def _approval(found: CommandInfo) -> str:
    return output.safe(f"vault-tui credential approve {found.key} --vault {found.vault}")


def _fields(found: CommandInfo) -> list[tuple[str, object]]:
    return [
        ("credential", f"{found.key} of vault {found.vault}"),
        ("program", found.executable),
        ("command", shlex.join(found.argv)),
        ("variables", found.env),
        ("field", found.json_path),
        ("kept for", f"{found.ttl_seconds} s"),
        ("state", found.state),
    ]


COMMANDS = (set_command, approve, test)
