"""`vault-tui status`."""

import click

from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, json_option, pass_connection
from vault_tui.cli.worker.status_report import show_status


@click.command(cls=Command)
@json_option
@click.option("--short", is_flag=True, help="One short line, for a status bar; never fails.")
@pass_connection
def status(connection: Connection, as_json: bool, short: bool) -> None:
    """Show whether the worker runs, is sealed, and where it listens."""
    show_status(connection, as_json=as_json, short=short)
