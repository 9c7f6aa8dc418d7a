"""`vault-tui hold …` and `vault-tui grant …`.

A device that asks to sign in waits for an operator too: its user code is taken in a hold's place.
"""

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.claude_gateway import normal_code
from proxy_core.domain.wire import Hold, HoldResolved
from vault_tui.cli import output
from vault_tui.cli.agents.devices import told_approved, told_denied
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, json_option, pass_connection

_DURATIONS = click.Choice(["once", "session", "15m", "1h", "always"])


@click.group(cls=Group)
def hold() -> None:
    """Requests that wait for an operator's answer."""


@hold.command("list")
@json_option
@pass_connection
def list_holds(connection: Connection, as_json: bool) -> None:
    """List the held requests, oldest first."""
    found = connection.send(calls.holds())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "LEFT", "AGENT", "VAULT", "SERVICE", "METHOD", "URL"),
        (
            (
                one.id,
                f"{one.seconds_left}s",
                one.agent,
                one.vault,
                one.service,
                one.method,
                one.url,
            )
            for one in found.holds
        ),
        "No request waits.",
    )


@hold.command("show")
@click.argument("hold_id", metavar="ID")
@json_option
@pass_connection
def show_hold(connection: Connection, hold_id: str, as_json: bool) -> None:
    """Show one held request: who asks for what, and why it was held."""
    found = connection.send(calls.hold(hold_id))
    if as_json:
        output.emit_json(found)
    else:
        _show(found)


@hold.command
@click.argument("hold_id", metavar="ID")
@click.option(
    "--for",
    "duration",
    type=_DURATIONS,
    default="once",
    show_default=True,
    help="session: as long as the agent's token; always: writes a rule.",
)
@json_option
@pass_connection
def approve(connection: Connection, hold_id: str, duration: str, as_json: bool) -> None:
    """Let a held request go on, or the device that shows the code ID sign in.

    A device becomes a new agent of the vault in use; `device approve` can say more.
    """
    if code := normal_code(hold_id):
        if duration != "once":
            raise VaultError("bad_request", "--for is for requests: a device stays signed in.")
        place = connection.vault(None)
        told_approved(connection.send(calls.approve_device(code, place)), as_json)
        return
    _done(connection.send(calls.approve_hold(hold_id, duration)), as_json)


@hold.command
@click.argument("hold_id", metavar="ID")
@click.option("--always", is_flag=True, help="Write a rule that denies such requests.")
@json_option
@pass_connection
def deny(connection: Connection, hold_id: str, always: bool, as_json: bool) -> None:
    """Refuse a held request, or the device that shows the code ID."""
    if code := normal_code(hold_id):
        if always:
            raise VaultError("bad_request", "--always is for requests: a device has no rule.")
        found = connection.send(calls.deny_device(code))
        if as_json:
            output.emit_json(found)
        else:
            told_denied(found)
        return
    _done(connection.send(calls.deny_hold(hold_id, always)), as_json)


@click.group(cls=Group)
def grant() -> None:
    """What was allowed for a while."""


@grant.command("list")
@json_option
@pass_connection
def list_grants(connection: Connection, as_json: bool) -> None:
    """List the grants that are in force."""
    found = connection.send(calls.grants())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "AGENT", "VAULT", "SERVICE", "METHOD", "URL", "FOR", "EXPIRES", "BY"),
        (
            (
                one.id,
                one.agent,
                one.vault,
                one.service,
                one.method,
                one.url,
                one.duration,
                one.expires_at or "with the token",
                one.created_by,
            )
            for one in found.grants
        ),
        "No grants.",
    )


@grant.command
@click.argument("grant_id", metavar="ID")
@pass_connection
def revoke(connection: Connection, grant_id: str) -> None:
    """End a grant: such requests are asked about again."""
    connection.send(calls.revoke_grant(grant_id))
    output.emit(f"Revoked {output.safe(grant_id)}.")


def _show(found: Hold) -> None:
    asked_by = f"rule {found.rule} of {found.service}" if found.rule else "the vault's policy"
    output.emit_fields(
        [
            ("request", f"{found.method} {found.url}"),
            ("agent", f"{found.agent} ({found.actor_type})"),
            ("vault", found.vault),
            ("asked by", asked_by),
            ("why", found.reason),
            ("credentials", found.credential_keys),
            ("body", found.body_preview),
            ("since", found.created_at),
            ("time left", f"{found.seconds_left}s"),
        ]
    )


def _done(found: HoldResolved, as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
        return
    words = [f"{found.outcome.capitalize()} {output.safe(found.id)}."]
    if found.released > 1:
        words.append(f"{found.released - 1} more like it went the same way.")
    if found.released == 0:
        words.append("Its agent did not wait for it any more.")
    if found.grant is not None:
        words.append(f"Grant {output.safe(found.grant.id)}.")
    if found.service:
        words.append(f"Service {output.safe(found.service)} has the rule.")
    output.emit(" ".join(words))
