"""`vault-tui proposal …`: agents raise and follow, operators decide."""

import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.deciding import proposal_decide, proposal_view
from vault_tui.cli.options import Group, json_option, pass_connection, vault_option

_STATUSES = click.Choice(["pending", "applied", "rejected", "expired"])
_NUMBER = click.argument("number", type=click.IntRange(1), metavar="ID")
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group(cls=Group)
def proposal() -> None:
    """What agents ask for: services and credentials, decided by an operator."""


@proposal.command("list")
@click.option("--status", type=_STATUSES, help="Of this status alone.")
@vault_option
@json_option
@pass_connection
def list_(connection: Connection, status: str | None, vault: str | None, as_json: bool) -> None:
    """List the proposals of a vault, newest first."""
    name, only = connection.vault(vault), status or ""
    found: wire.ProposalList | wire.ProposalInbox
    if connection.is_agent:
        found = connection.send(calls.proposals(name, only))
    else:
        found = connection.send(calls.admin_proposals(name, only))
    if as_json:
        output.emit_json(found)
        return
    rows = [
        (
            one.id,
            one.status,
            one.created_by,
            one.created_at,
            one.services_count,
            one.credentials_count,
            display_safe(one.message, 60),
        )
        for one in found.proposals
    ]
    headers = ("ID", "STATUS", "BY", "CREATED", "SERVICES", "CREDENTIALS", "MESSAGE")
    output.emit_table(headers, rows, f"No proposals in vault {output.safe(name)}.")


@proposal.command
@_NUMBER
@click.option(
    "--wait", type=click.IntRange(0, 86400), default=0, metavar="SECONDS", help="For a decision."
)
@vault_option
@json_option
@pass_connection
def show(connection: Connection, number: int, wait: int, vault: str | None, as_json: bool) -> None:
    """Show a proposal; to operators with what it would change, and how dangerous that is."""
    name, found = connection.vault(vault), None
    if wait or connection.is_agent:
        found = _wait(connection, number, name, wait)
    if found is None or (found.status == "pending" and not connection.is_agent):
        found = connection.send(calls.review_proposal(number, name))
    if as_json:
        output.emit_json(found)
    else:
        proposal_view.show(found)


@proposal.command
@click.option("--file", "-f", "file", required=True, type=_FILE, help="YAML or JSON; `-`: stdin.")
@click.option("--message", help="For the record; instead of the file's.")
@vault_option
@json_option
@pass_connection
def create(
    connection: Connection, file: Path, message: str | None, vault: str | None, as_json: bool
) -> None:
    """Raise a proposal: a document with `services`, `credentials`, `message`, `user_message`."""
    text = secret_input.from_stdin() if str(file) == "-" else secret_input.from_file(file)
    request = _request(text)
    if message is not None:
        request.message = message
    made = connection.send(calls.create_proposal(request, connection.vault(vault)))
    if as_json:
        output.emit_json(made)
        return
    output.emit(f"Proposal {made.id} of vault {output.safe(made.vault)} waits for an operator:")
    output.emit(f"  vault-tui proposal approve {made.id} --vault {output.safe(made.vault)}")
    output.emit(f"  vault-tui proposal show {made.id} --wait 600")


@proposal.command
@_NUMBER
@click.argument("entries", nargs=-1, metavar="[KEY[=VALUE]…]")
@click.option("--confirm", "confirmed", multiple=True, metavar="NAME", help="What is high risk.")
@vault_option
@json_option
@pass_connection
def approve(
    connection: Connection,
    number: int,
    entries: Sequence[str],
    confirmed: Sequence[str],
    vault: str | None,
    as_json: bool,
) -> None:
    """Carry a proposal out, whole or not at all.

    KEY alone asks for its value without echo, or reads standard input. What is of high risk is
    confirmed by typing its name, or by --confirm.
    """
    from vault_tui.cli.vaults.credentials import given_values

    found = proposal_decide.approve(
        connection,
        connection.vault(vault),
        number,
        given_values(entries),
        confirmed,
        show=not as_json,
    )
    if as_json:
        output.emit_json(found)
    else:
        proposal_decide.done(found)


@proposal.command
@_NUMBER
@click.option("--reason", default="", help="For the agent to read.")
@vault_option
@json_option
@pass_connection
def reject(
    connection: Connection, number: int, reason: str, vault: str | None, as_json: bool
) -> None:
    """Refuse a proposal."""
    call = calls.reject_proposal(number, reason, connection.vault(vault))
    found = connection.send(call)
    if as_json:
        output.emit_json(found)
    else:
        proposal_decide.done(found)


@proposal.command
@vault_option
@pass_connection
def review(connection: Connection, vault: str | None) -> None:
    """Go through the pending proposals of a vault at the terminal."""
    proposal_decide.review_all(connection, connection.vault(vault))


def _wait(connection: Connection, number: int, vault: str, seconds: int) -> wire.Proposal:
    """Ask until it is decided or the time is over; each call waits at the worker."""
    end = time.monotonic() + seconds
    while True:
        left = max(0, min(calls.LONGEST_WAIT, round(end - time.monotonic())))
        found = connection.send(calls.proposal(number, vault, left))
        if found.status != "pending" or time.monotonic() >= end or not left:
            return found


def _request(text: str) -> wire.CreateProposal:
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(text), wire.CreateProposal)
    except yaml.YAMLError:
        raise VaultError("bad_request", "This is neither YAML nor JSON.") from None
    except msgspec.ValidationError as error:
        raise VaultError("bad_request", f"This is no proposal: {error}") from None
