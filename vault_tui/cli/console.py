"""`vault-tui` without a command: the console."""

import sys

from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage


def open_console(connection: Connection, *, read_only: bool = False) -> None:
    """Show the console until the operator leaves it. Needs a terminal.

    A `read_only` console changes nothing, whatever its operator may do elsewhere.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage("The console needs a terminal; `vault-tui --help` lists the commands")
    from vault_tui.running import run_console

    target = connection.target
    sys.exit(run_console(connection.home, target if target.base_url else None, read_only=read_only))
