"""The worker's side of `vault-tui setup`: services, gateway prefixes and the agent's token."""

import re
import socket
import sys
from dataclasses import dataclass, field, replace
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain import claude_code
from proxy_core.domain.accounts.providers import CLAUDE
from proxy_core.domain.setup_services import (
    OPENAI_GATEWAY,
    GatewayWanted,
    gateway_for,
    missing_service,
)
from proxy_core.domain.wire import AgentVault
from vault_tui.cli.connection import Connection
from vault_tui.setup.tools import GATEWAY, Tool

_NAME_MAX = 60
_MOST_NAMES = 20


@dataclass(slots=True)
class Needs:
    """What a vault lacks: `services` to be added or replaced; a credential without a value.

    `prefixes` are the gateways' names, by provider.
    """

    services: list[dict[str, Any]] = field(default_factory=list)
    prefixes: dict[str, str] = field(default_factory=dict)
    credential: str = ""


def needs_of(connection: Connection, tool: Tool, mode: str, vault: str) -> Needs:
    """Look, and change nothing. Raises VaultError: conflict for a prefix that is another's."""
    provider = tool.providers.get(mode, "")
    documents = connection.send(calls.services(vault)).services
    if not provider:
        return Needs()
    found = Needs()
    wanted, key = OPENAI_GATEWAY, "OPENAI_API_KEY"
    if provider == "anthropic":
        wanted, key = claude_code.GATEWAY, CLAUDE.pool_key
        found.services = claude_code.missing_services(documents)
    elif mode != GATEWAY and (missing := missing_service(wanted, documents)):
        found.services = [missing]
    if mode == GATEWAY:
        _add_gateway(found, provider, wanted, documents)
    if key not in connection.send(calls.credentials(vault)).keys:
        found.credential = key
    return found


def _add_gateway(
    found: Needs, provider: str, wanted: GatewayWanted, documents: list[dict[str, Any]]
) -> None:
    prefix, change = gateway_for(wanted, [*documents, *found.services])
    found.prefixes[provider] = prefix
    if change is not None:
        others = [one for one in found.services if one["host"] != wanted.host]
        found.services = [change, *others]


def described(needs: Needs, vault: str) -> list[str]:
    """What will be changed in the vault, one sentence each."""
    lines = []
    for one in needs.services:
        prefix = one.get("gateway", {}).get("prefix", "")
        below = f", as base URL /{prefix}" if prefix else ""
        lines.append(f"Vault {vault}: a service for {display_safe(one['host'])}{below}.")
    return lines


def provide(ctx: click.Context, connection: Connection, needs: Needs, vault: str) -> list[str]:
    """Add what is missing; what only a person can give is asked for, or told.

    Raises VaultError.
    """
    notes = []
    if needs.credential == CLAUDE.pool_key and sys.stdin.isatty():
        from vault_tui.cli.running.claude import ensure_account

        ensure_account(ctx, connection, vault)
    elif needs.credential == CLAUDE.pool_key:
        notes.append("There is no Claude account yet: `vault-tui account add` signs in.")
    elif needs.credential:
        key = needs.credential
        notes.append(f"{key} has no value yet: `vault-tui credential set {key}` stores it.")
    if needs.services:
        connection.send(calls.upsert_services(needs.services, vault))
    return notes


# --- the token ----------------------------------------------------------------------------------


def is_alive(connection: Connection, token: str, vault: str) -> bool:
    """Whether the worker takes the token for the vault. Raises VaultError: no_worker."""
    client = SyncClient(replace(connection.target, token=token))
    try:
        return client.send(calls.discover(vault)).vault == vault
    except VaultError as error:
        if error.status in (401, 403, 404):
            return False
        raise


def subscription_of(connection: Connection, vault: str) -> str:
    """What the default Claude account pays for, as far as that is known; else empty."""
    for one in connection.send(calls.accounts(vault, CLAUDE.id)).accounts:
        if one.default:
            return one.tier
    return ""


def make_agent(connection: Connection, tool: str, vault: str, known: str) -> tuple[str, str]:
    """Name and token of an agent for `tool` on this machine; that of an earlier setup, `known`,
    gets a new token.

    Raises VaultError.
    """
    if known:
        try:
            return known, connection.send(calls.rotate_agent(known)).av_agent_token
        except VaultError as error:
            if error.code != "not_found":
                raise
    grants = [AgentVault(vault_name=vault, vault_role="proxy")]
    base = agent_name(tool, socket.gethostname())
    for count in range(1, _MOST_NAMES + 1):
        name = base if count == 1 else f"{base}-{count}"
        try:
            made = connection.send(calls.create_agent(name, "no-access", grants))
        except VaultError as error:
            if error.code != "conflict" or count == _MOST_NAMES:
                raise
            continue
        return made.name, made.av_agent_token
    raise AssertionError("unreachable")


def agent_name(tool: str, host: str) -> str:
    """`claude-code-laptop`: a slug."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{tool}-{host.partition('.')[0]}".lower())
    return slug[:_NAME_MAX].strip("-")
