"""`vault-tui discover`: what an agent may use."""

import click

from proxy_core.client import calls
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option


@click.command(cls=Command)
@vault_option
@json_option
@pass_connection
def discover(connection: Connection, vault: str | None, as_json: bool) -> None:
    """Show the services and the names of the credentials that a vault offers its agents."""
    found = connection.send(calls.discover(connection.vault(vault)))
    if as_json:
        output.emit_json(found)
        return
    rows = [(service.name, service.host) for service in found.services]
    output.emit_table(("SERVICE", "HOST"), rows, f"No services in vault {found.vault}.")
    output.emit(f"credentials: {output.safe(found.available_credentials)}")
