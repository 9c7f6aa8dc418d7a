"""`vault-tui agent …`."""

import click

from proxy_core.client import calls
from proxy_core.domain.wire import AgentCreated
from vault_tui.cli import output
from vault_tui.cli.agents.agent_access import (
    described,
    grant,
    pin,
    revoke_grant,
    unpin,
    wanted_grants,
)
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option

_ROLES = click.Choice(["no-access", "member", "owner"])
_TTL_RANGE = click.IntRange(60, 10 * 365 * 86_400)


@click.group(cls=Group)
def agent() -> None:
    """Agents: named tokens with grants on vaults."""


@agent.command("list")
@json_option
@pass_connection
def list_(connection: Connection, as_json: bool) -> None:
    """List the agents."""
    found = connection.send(calls.agents())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("NAME", "ROLE", "VAULTS", "EXPIRES", "LAST SEEN", "OPEN", "TODAY"),
        (
            (
                one.name,
                one.role,
                described(one.vaults),
                one.expires_at or "never",
                one.last_seen_at,
                one.connections,
                one.requests_today,
            )
            for one in found.agents
        ),
        "No agents. `vault-tui agent create NAME` makes one.",
    )


@agent.command
@click.argument("name")
@click.option("--role", type=_ROLES, default="no-access", help="Instance role.")
@click.option(
    "--vault", "vaults", multiple=True, metavar="V[:ROLE]", help="Default: default:proxy."
)
@click.option("--services", metavar="A,B", help="Only these services of the vault.")
@click.option("--ttl", type=_TTL_RANGE, metavar="S", help="Lifetime of the token, seconds.")
@json_option
@pass_connection
def create(
    connection: Connection,
    name: str,
    role: str,
    vaults: tuple[str, ...],
    services: str | None,
    ttl: int | None,
    as_json: bool,
) -> None:
    """Create an agent. Its token is printed now and never again."""
    granted = wanted_grants(vaults, services)
    _show_token(connection.send(calls.create_agent(name, role, granted, ttl)), as_json)


@agent.command
@click.argument("name")
@json_option
@pass_connection
def info(connection: Connection, name: str, as_json: bool) -> None:
    """Show one agent."""
    found = connection.send(calls.agent(name))
    if as_json:
        output.emit_json(found)
        return
    output.emit_fields(
        [
            ("name", found.name),
            ("role", found.role),
            ("vaults", described(found.vaults)),
            ("account", found.account_id),
            ("created", found.created_at),
            ("expires", found.expires_at or "never"),
            ("status", found.status),
            ("last seen", found.last_seen_at),
            ("open connections", found.connections),
            ("requests today", found.requests_today),
        ]
    )


@agent.command
@click.argument("name")
@click.option("--ttl", type=_TTL_RANGE, metavar="S", help="New lifetime; without it, the old end.")
@json_option
@pass_connection
def rotate(connection: Connection, name: str, ttl: int | None, as_json: bool) -> None:
    """Give an agent a new token; the old one ends at once."""
    _show_token(connection.send(calls.rotate_agent(name, ttl)), as_json)


@agent.command
@click.argument("name")
@click.argument("new_name")
@pass_connection
def rename(connection: Connection, name: str, new_name: str) -> None:
    """Rename an agent."""
    made = connection.send(calls.rename_agent(name, new_name))
    output.emit(f"Agent {output.safe(name)} is now {output.safe(made.name)}.")


@agent.command
@click.argument("name")
@click.argument("role", type=_ROLES)
@json_option
@pass_connection
def role(connection: Connection, name: str, role: str, as_json: bool) -> None:
    """Change an agent's instance role."""
    made = connection.send(calls.change_agent_role(name, role))
    if as_json:
        output.emit_json(made)
        return
    output.emit(f"Agent {output.safe(name)} is {made.new_role} now; it was {made.old_role}.")


@agent.command
@click.argument("name")
@yes_option
@pass_connection
def delete(connection: Connection, name: str, yes: bool) -> None:
    """Delete an agent; its tunnels end at once."""
    confirm(f"Delete agent {output.safe(name)}?", yes)
    connection.send(calls.delete_agent(name))
    output.emit(f"Deleted agent {output.safe(name)}.")


def _show_token(made: AgentCreated, as_json: bool) -> None:
    if as_json:
        output.emit_json(made)
        return
    # The token alone on stdout, so that it can be captured; the words go to stderr.
    output.emit(output.safe(made.av_agent_token))
    click.echo("Keep this token now: it is not shown again.", err=True)
    if made.vaults:
        vault = output.safe(made.vaults[0].vault_name)
        click.echo(f"The agent uses it as HTTPS_PROXY=http://TOKEN:{vault}@PROXY", err=True)


for _command in (grant, revoke_grant, pin, unpin):
    agent.add_command(_command)
