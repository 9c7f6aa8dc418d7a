"""seal, unseal, unlock, lock."""

import click

from proxy_core.client import calls
from vault_tui.cli import output, proof
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Command, pass_connection


@click.command(cls=Command)
@pass_connection
def seal(connection: Connection) -> None:
    """Forget the key: agents are answered `sealed` until the next unseal."""
    connection.send(calls.seal())
    output.emit("Sealed. `vault-tui unseal` opens it again.")


@click.command(cls=Command)
@pass_connection
def unseal(connection: Connection) -> None:
    """Open the vault with a key slot.

    The OS keyring and key file are tried first; else VAULT_TUI_MASTER_PASSWORD[_FILE], or a prompt.
    """
    found = connection.client.send(calls.status())
    if found.sealed or not found.initialized:
        proof.unseal(connection.client)
    output.emit("Open.")


@click.command(cls=Command)
@pass_connection
def unlock(connection: Connection) -> None:
    """Start an operator session in this terminal: 15 minutes from the last use."""
    _check_local(connection)
    proof.refuse_without_terminal(connection.client)
    session = proof.unlock(connection.client)
    output.emit(f"Unlocked until {output.safe(session.expires_at)}; each use extends it.")


@click.command(cls=Command)
@pass_connection
def lock(connection: Connection) -> None:
    """End this terminal's operator session."""
    _check_local(connection)
    connection.client.send(calls.lock())
    output.emit("Locked.")


def _check_local(connection: Connection) -> None:
    if not connection.is_local:
        raise Usage("A terminal is unlocked for this machine's worker; `vault-tui login` elsewhere")
