"""`vault-tui session …`: short-lived tokens with the proxy role in one vault."""

import click

from proxy_core.client import calls
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, json_option, pass_connection, vault_option
from vault_tui.cli.running.run import DEFAULT_TTL, TTL_RANGE


@click.group(cls=Group)
def session() -> None:
    """Scoped sessions: tokens of one vault that end by themselves."""


@session.command("list")
@vault_option
@json_option
@pass_connection
def list_(connection: Connection, vault: str | None, as_json: bool) -> None:
    """List the live sessions of a vault, newest first."""
    found = connection.send(calls.sessions(connection.vault(vault)))
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "LABEL", "BY", "EXPIRES", "LAST USED", "OPEN", "TODAY"),
        (
            (
                one.id,
                one.label,
                one.created_by,
                one.expires_at,
                one.last_used_at,
                one.connections,
                one.requests_today,
            )
            for one in found.sessions
        ),
        "No sessions. `vault-tui run -- CMD` makes one for a command.",
    )


@session.command
@vault_option
@click.option(
    "--ttl", type=TTL_RANGE, default=DEFAULT_TTL, metavar="S", help="Lifetime, in seconds."
)
@click.option("--label", default="", help="What it is for.")
@click.option("--account", default="", help="The one account that it may use.")
@json_option
@pass_connection
def create(
    connection: Connection, vault: str | None, ttl: int, label: str, account: str, as_json: bool
) -> None:
    """Mint a session. Its token is printed now and never again."""
    where = connection.vault(vault)
    made = connection.send(calls.create_session(where, ttl, label, account=account))
    if as_json:
        output.emit_json(made)
        return
    # The token alone on stdout, so that it can be captured; the words go to stderr.
    output.emit(output.safe(made.token))
    until = output.safe(made.expires_at)
    click.echo(f"Valid until {until}. Keep this token now: it is not shown again.", err=True)


@session.command
@click.argument("session_id", metavar="ID")
@vault_option
@pass_connection
def revoke(connection: Connection, session_id: str, vault: str | None) -> None:
    """Revoke a session; its connections end at once."""
    connection.send(calls.revoke_session(session_id, connection.vault(vault)))
    output.emit(f"Revoked session {output.safe(session_id)}.")
