"""`vault-tui setup PROGRAM --undo`."""

from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.setup import receipts
from vault_tui.setup.apply import check_unchanged, write_all
from vault_tui.setup.differences import Redactor, difference
from vault_tui.setup.receipts import Receipt
from vault_tui.setup.tools import GATEWAY, Tool
from vault_tui.setup.undo import tidy, undoing


def take_back(connection: Connection, tool: Tool, receipt: Receipt | None, dry_run: bool) -> int:
    """Undo what the receipt says; 1 if something had to be left. Raises VaultError: conflict."""
    if receipt is None:
        output.emit(f"{tool.title} was not set up here: nothing to undo.")
        return 0
    home = Path.home()
    found = undoing(receipt, home)
    if dry_run:
        redactor = Redactor()
        for change in found.changes:
            for line in difference(change, redactor):
                output.emit(line)
    else:
        check_unchanged(found.changes, home)
        write_all(found.changes)
        tidy(found.spent)
        receipts.forget(connection.home, tool.name)
        for change in found.changes:
            word = "Removed" if change.after is None else "Restored"
            output.emit(f"{word} {output.safe(str(change.path))}.")
        _delete_agent(connection, receipt.agent)
        if receipt.mode == GATEWAY:
            say("The login of `vault-tui auth token` stays; `vault-tui auth logout` ends it.")
    for sentence in found.left:
        say(sentence)
    return 1 if found.left else 0


def _delete_agent(connection: Connection, name: str) -> None:
    """The files are as they were; a worker that can't be asked changes nothing about that."""
    if not name:
        return
    try:
        connection.send(calls.delete_agent(name))
    except VaultError as error:
        if error.code != "not_found":
            say(f"Agent {name} is still there ({error.code}): `vault-tui agent delete {name}`.")
    else:
        output.emit(f"Deleted agent {output.safe(name)}; its token has ended.")
