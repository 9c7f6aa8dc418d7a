"""`vault-tui ca`: the certificate that agents have to trust."""

from pathlib import Path

import click

from proxy_core.client import calls
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, pass_connection
from vault_tui.cli.preferences import write_file


@click.command(cls=Command)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@pass_connection
def ca(connection: Connection, out: Path | None) -> None:
    """Print the proxy's CA certificate, in PEM."""
    pem = connection.client.send(calls.ca_pem())
    if out is None:
        for line in pem.splitlines():
            output.emit(output.safe(line))
    else:
        write_file(out, pem.encode(), 0o644)
