"""What an agent may use: its grants, and the account that it is pinned to."""

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault, VaultAgentChanged
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option


@click.command(cls=Command)
@click.argument("name")
@click.option(
    "--vault", "where", default="default", metavar="V[:ROLE]", help="Default: default:proxy."
)
@click.option("--services", metavar="A,B", help="Only these services of the vault.")
@click.option("--all-services", is_flag=True, help="All of them again.")
@json_option
@pass_connection
def grant(
    connection: Connection,
    name: str,
    where: str,
    services: str | None,
    all_services: bool,
    as_json: bool,
) -> None:
    """Let an agent use a vault, or change its role or services there.

    What is not named stays as it is. Only the role proxy can be limited to some services.
    """
    if all_services and services is not None:
        raise Usage("Give either --services or --all-services")
    vault, _, role = where.partition(":")
    names = [] if all_services else None if services is None else names_of(services)
    made = _granted(connection, vault, name, role, names)
    if as_json:
        output.emit_json(made)
    else:
        output.emit(f"{output.safe(made.message).capitalize()}.")


def _granted(
    connection: Connection, vault: str, name: str, role: str, services: list[str] | None
) -> VaultAgentChanged:
    """A new grant; where there is one, that with the changes. VaultError: conflict for none."""
    try:
        return connection.send(calls.add_vault_agent(vault, name, role or "proxy", services or []))
    except VaultError as error:
        if error.code != "conflict" or not (role or services is not None):
            raise
    return connection.send(calls.change_vault_agent(vault, name, role, services))


@click.command("revoke-grant", cls=Command)
@click.argument("name")
@vault_option
@json_option
@pass_connection
def revoke_grant(connection: Connection, name: str, vault: str | None, as_json: bool) -> None:
    """Take a vault from an agent; its connections end at once."""
    gone = connection.send(calls.remove_vault_agent(connection.vault(vault), name))
    if as_json:
        output.emit_json(gone)
    else:
        output.emit(f"{output.safe(gone.message).capitalize()}.")


@click.command(cls=Command)
@click.argument("name")
@click.argument("account")
@vault_option
@json_option
@pass_connection
def pin(connection: Connection, name: str, account: str, vault: str | None, as_json: bool) -> None:
    """Let an agent use one account of the vault alone."""
    made = connection.send(calls.pin_agent(name, account, connection.vault(vault)))
    if as_json:
        output.emit_json(made)
    else:
        output.emit(f"Agent {output.safe(name)} uses account {output.safe(account)} alone now.")


@click.command(cls=Command)
@click.argument("name")
@vault_option
@json_option
@pass_connection
def unpin(connection: Connection, name: str, vault: str | None, as_json: bool) -> None:
    """Let an agent use any account again."""
    made = connection.send(calls.pin_agent(name, "", connection.vault(vault)))
    if as_json:
        output.emit_json(made)
    else:
        output.emit(f"Agent {output.safe(name)} uses any account again.")


def wanted_grants(vaults: tuple[str, ...], services: str | None) -> list[AgentVault]:
    """What `create` was asked for. Raises Usage: services of several vaults."""
    if services is not None and len(vaults) > 1:
        raise Usage("--services goes with one --vault; `agent grant` adds the others")
    names = [] if services is None else names_of(services)
    return [_wanted(entry, names) for entry in vaults or ("default",)]


def described(vaults: list[AgentVault]) -> str:
    """Grants in one line: `default:proxy (github, slack), work:admin`."""
    return ", ".join(
        f"{one.vault_name}:{one.vault_role}"
        + (f" ({', '.join(one.services)})" if one.services else "")
        for one in vaults
    )


def names_of(text: str) -> list[str]:
    """The names between commas. Raises Usage when there is none: that would mean all."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise Usage("--services names at least one service")
    return names


def _wanted(entry: str, services: list[str]) -> AgentVault:
    vault, _, role = entry.partition(":")
    return AgentVault(vault_name=vault, vault_role=role or "proxy", services=services)
