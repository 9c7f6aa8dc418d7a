"""`vault-tui vault …`."""

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.service import UnmatchedHostPolicy
from vault_tui.cli import output, preferences
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option
from vault_tui.cli.vaults.vault_sources import source


@click.group(cls=Group)
def vault() -> None:
    """Vaults: separate sets of credentials and services."""


vault.add_command(source)


@vault.command("list")
@json_option
@pass_connection
def list_(connection: Connection, as_json: bool) -> None:
    """List the vaults; a star marks the one in use."""
    found = connection.send(calls.vaults())
    if as_json:
        output.emit_json(found)
        return
    in_use = connection.vault(None)
    output.emit_table(
        ("", "NAME", "SERVICES", "CREDENTIALS", "OTHER HOSTS", "STORE", "CREATED"),
        (
            (
                "*" if one.name == in_use else " ",
                one.name,
                one.services_count,
                one.credentials_count,
                one.unmatched_host_policy,
                f"{one.source} ({one.source_state})" if one.source else "",
                one.created_at,
            )
            for one in found.vaults
        ),
        "No vaults.",
    )


@vault.command
@click.argument("name")
@json_option
@pass_connection
def create(connection: Connection, name: str, as_json: bool) -> None:
    """Create a vault."""
    made = connection.send(calls.create_vault(name))
    if as_json:
        output.emit_json(made)
    else:
        output.emit(f"Created vault {output.safe(made.name)}.")


@vault.command
@click.argument("name")
@click.argument("new_name")
@pass_connection
def rename(connection: Connection, name: str, new_name: str) -> None:
    """Rename a vault."""
    made = connection.send(calls.rename_vault(name, new_name))
    saved = preferences.load(connection.home)
    if saved.vault == name:
        preferences.save(connection.home, preferences.Preferences(vault=made.name))
    output.emit(f"Vault {output.safe(name)} is now {output.safe(made.name)}.")


@vault.command
@click.argument("name", required=False)
@click.option(
    "--unmatched-hosts",
    type=click.Choice([policy.value for policy in UnmatchedHostPolicy]),
    help="For hosts without a service; passthrough never gets a credential.",
)
@json_option
@pass_connection
def settings(
    connection: Connection, name: str | None, unmatched_hosts: str | None, as_json: bool
) -> None:
    """Show or change a vault's settings."""
    name = connection.vault(name)
    if unmatched_hosts is None:
        found = connection.send(calls.vault_settings(name))
    else:
        found = connection.send(calls.change_vault_settings(name, unmatched_hosts))
    if as_json:
        output.emit_json(found)
    else:
        output.emit_fields([("unmatched hosts", found.unmatched_host_policy)])


@vault.command
@click.argument("name")
@yes_option
@pass_connection
def delete(connection: Connection, name: str, yes: bool) -> None:
    """Delete a vault with its credentials and services."""
    confirm(f"Delete vault {output.safe(name)} with all its credentials?", yes)
    connection.send(calls.delete_vault(name))
    if preferences.load(connection.home).vault == name:
        preferences.save(connection.home, preferences.Preferences())
    output.emit(f"Deleted vault {output.safe(name)}.")


@vault.command
@click.argument("name")
@pass_connection
def use(connection: Connection, name: str) -> None:
    """Use a vault for commands that name none."""
    if name not in {one.name for one in connection.send(calls.vaults()).vaults}:
        raise VaultError("vault_not_found", f"There is no vault named {name}.")
    preferences.save(connection.home, preferences.Preferences(vault=name))
    output.emit(f"Using vault {output.safe(name)}.")
