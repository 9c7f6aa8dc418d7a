"""`vault-tui key …`: the ways in which the vault opens, and the key itself."""

from collections.abc import Sequence
from pathlib import Path

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import SlotInfo
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option

PASSWORD = "password"  # noqa: S105 - a slot's kind, not a secret


@click.group(cls=Group)
def key() -> None:
    """Key slots: passwords, the OS keyring and key files, each of which opens the vault."""


@key.command("slots")
@json_option
@pass_connection
def slots(connection: Connection, as_json: bool) -> None:
    """List the key slots."""
    found = connection.send(calls.slots())
    if as_json:
        output.emit_json(found)
        return
    rows = [(slot.id, slot.kind, slot.label, slot.created_at) for slot in found.slots]
    output.emit_table(("ID", "KIND", "LABEL", "CREATED"), rows, "The vault is not set up yet.")


@key.command
@click.option("--password-stdin", is_flag=True, help="A password: one line of stdin.")
@click.option("--keyring", "use_keyring", is_flag=True, help="Keep a key in the OS keyring.")
@click.option(
    "--keyfile",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Make a key file (0600) there, for unattended servers.",
)
@click.option("--label", default="", help="What to call it; default: its kind.")
@json_option
@pass_connection
def add(
    connection: Connection,
    password_stdin: bool,
    use_keyring: bool,
    keyfile: Path | None,
    label: str,
    as_json: bool,
) -> None:
    """Add one more way to open the vault. Without options it asks for a password."""
    if password_stdin + use_keyring + (keyfile is not None) > 1:
        raise Usage("Choose one of --password-stdin, --keyring and --keyfile")
    if use_keyring:
        call = calls.add_slot("keyring", label=label)
    elif keyfile is not None:
        call = calls.add_slot("keyfile", label=label, path=str(keyfile.absolute()))
    else:
        call = calls.add_slot(PASSWORD, _new_password(password_stdin), label)
    made = connection.send(call)
    _tell(made, f"Added {_named(made)}.", as_json)


@key.command
@click.argument("slot")
@click.option("--password-stdin", is_flag=True, help="The new password: one line of stdin.")
@json_option
@pass_connection
def change(connection: Connection, slot: str, password_stdin: bool, as_json: bool) -> None:
    """Give a password slot another password. SLOT is its id or label."""
    found = _find(connection.send(calls.slots()).slots, slot)
    if found.kind != PASSWORD:
        raise Usage(f"A {found.kind} slot has no password: `key add` another, `key remove` this")
    made = connection.send(calls.change_slot(found.id, _new_password(password_stdin)))
    _tell(made, f"Changed {_named(made)}; the old password opens nothing any more.", as_json)


@key.command
@click.argument("slot")
@click.option("--force", is_flag=True, help="Also the last one that opens without a person.")
@yes_option
@pass_connection
def remove(connection: Connection, slot: str, force: bool, yes: bool) -> None:
    """Remove a key slot. SLOT is its id or label; the last that opens the vault stays."""
    found = _find(connection.send(calls.slots()).slots, slot)
    confirm(f"Remove {_named(found)}?", yes)
    connection.send(calls.remove_slot(found.id, force))
    output.emit(f"Removed {_named(found)}.")


@key.command
@click.option("--password-stdin", is_flag=True, help="Of all password slots: one line of stdin.")
@click.option("--drop", multiple=True, metavar="SLOT", help="Ends with the old key. Repeatable.")
@click.option("--leave-unreadable", is_flag=True, help="Go on though values can't be decrypted.")
@yes_option
@json_option
@pass_connection
def rotate(
    connection: Connection,
    password_stdin: bool,
    drop: tuple[str, ...],
    leave_unreadable: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a new key and encrypt everything anew, in one transaction.

    Each slot opens the new key as it did the old one, so each password slot's password is needed;
    a slot whose password nobody knows can be dropped. Backups still open with the old key's slots.
    """
    found = connection.send(calls.slots()).slots
    dropped = [_find(found, name) for name in drop]
    for slot in dropped:
        confirm(f"Shall {_named(slot)} open nothing any more?", yes)
    kept = [slot for slot in found if slot not in dropped and slot.kind == PASSWORD]
    secrets = _passwords(kept, password_stdin)
    gone = [slot.id for slot in dropped]
    done = connection.send(calls.rotate_key(secrets, gone, leave_unreadable))
    if as_json:
        output.emit_json(done)
        return
    output.emit(f"The key is number {done.key_version} now; {done.resealed} values sealed anew.")
    if done.unreadable:
        output.emit(f"{done.unreadable} could not be decrypted and stay unreadable.")


def _passwords(kept: Sequence[SlotInfo], password_stdin: bool) -> dict[str, str]:
    """The passwords by slot id; nothing is asked where there is no password slot."""
    if not kept:
        return {}
    given = secret_input.master_password_from_environment()
    if password_stdin:
        given = secret_input.line_from_stdin()
    if given is not None:
        return {slot.id: given for slot in kept}
    if not secret_input.can_prompt():
        raise Usage("Each password slot's password is needed: --password-stdin, or --drop SLOT")
    return {slot.id: secret_input.prompt(f"Password of {_named(slot)}") for slot in kept}


def _new_password(password_stdin: bool) -> str:
    if password_stdin:
        return secret_input.line_from_stdin()
    if not secret_input.can_prompt():
        raise Usage("Give the password by --password-stdin")
    return secret_input.prompt("New password", twice=True)


def _find(known: Sequence[SlotInfo], name: str) -> SlotInfo:
    """The slot with this id, or the only one with this label. Raises VaultError: not_found, …"""
    found = [slot for slot in known if slot.id == name]
    found = found or [slot for slot in known if slot.label == name]
    if not found:
        remedy = {"help": "`vault-tui key slots` lists them."}
        raise VaultError("not_found", f"There is no key slot {name}.", remedy)
    if len(found) > 1:
        raise VaultError("conflict", f"Several key slots are called {name}: name one by its id.")
    return found[0]


def _tell(slot: SlotInfo, sentence: str, as_json: bool) -> None:
    if as_json:
        output.emit_json(slot)
    else:
        output.emit(sentence)


def _named(slot: SlotInfo) -> str:
    label = output.safe(slot.label)
    return f"{slot.kind} slot {label}" if slot.label != slot.kind else f"the {slot.kind} slot"
