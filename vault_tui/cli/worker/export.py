"""`vault-tui export`: what is set up, without secrets, as a text to compare and to keep.

The order is stable and nothing that use changes is in it (counts, times), so two exports differ
only where somebody changed something.
"""

from typing import Any

import click

from proxy_core.client import calls
from proxy_core.domain.wire import AgentInfo, Vault
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, pass_connection

FORMAT = 1
_OF_USE = frozenset({"hits", "last_hit_at"})


@click.command(cls=Command)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How it is written.",
)
@click.option("--vault", metavar="NAME", help="Only this vault, and no agents and settings.")
@pass_connection
def export(connection: Connection, form: str, vault: str | None) -> None:
    """Print vaults, services, agents' grants and settings; no secret, no token.

    Agents come with their grants, settings where they differ from the default. `service set
    --vault V -f FILE` takes the services of V back from it.
    """
    vaults = sorted(connection.send(calls.vaults()).vaults, key=lambda one: one.name)
    if vault is not None:
        connection.send(calls.vault_settings(vault))  # says so when there is none
        vaults = [one for one in vaults if one.name == vault]
    document: dict[str, Any] = {
        "export": FORMAT,
        "vaults": [_vault(connection, one) for one in vaults],
    }
    if vault is None:
        agents = connection.send(calls.agents()).agents
        document["agents"] = [_agent(one) for one in sorted(agents, key=lambda one: one.name)]
        document["settings"] = _settings(connection)
    if form == "json":
        output.emit_json(document)
    else:
        output.emit(_yaml(document))


def _vault(connection: Connection, vault: Vault) -> dict[str, Any]:
    services = connection.send(calls.services(vault.name)).services
    credentials = connection.send(calls.credentials(vault.name)).credentials or []
    found: dict[str, Any] = {
        "name": vault.name,
        "unmatched_host_policy": vault.unmatched_host_policy,
    }
    if vault.source:
        found["source"] = vault.source
    kinds = {one.key: one.type for one in credentials}
    found["credentials"] = [{"key": key, "type": kinds[key]} for key in sorted(kinds)]
    found["services"] = [
        {name: value for name, value in one.items() if name not in _OF_USE} for one in services
    ]
    return found


def _agent(agent: AgentInfo) -> dict[str, Any]:
    found: dict[str, Any] = {"name": agent.name, "role": agent.role}
    if agent.expires_at:
        found["expires_at"] = agent.expires_at
    grants = sorted(agent.vaults, key=lambda one: one.vault_name)
    found["vaults"] = [
        {"vault": one.vault_name, "role": one.vault_role}
        | ({"services": sorted(one.services)} if one.services else {})
        for one in grants
    ]
    return found


def _settings(connection: Connection) -> dict[str, Any]:
    known = connection.send(calls.settings()).settings
    return {
        one.name: one.value
        for one in sorted(known, key=lambda one: one.name)
        if one.value != one.default
    }


def _yaml(document: dict[str, Any]) -> str:
    """Pure ASCII: whatever a name holds, a terminal and a diff can show it."""
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=False, width=100)
    return text.rstrip("\n")
