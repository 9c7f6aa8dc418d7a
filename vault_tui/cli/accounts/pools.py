"""`vault-tui pool …`: credentials that are one of several accounts."""

from collections.abc import Sequence

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.accounts.strategies import Strategy
from proxy_core.domain.wire import PoolInfo
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import (
    Group,
    confirm,
    json_option,
    pass_connection,
    vault_option,
    yes_option,
)

_STRATEGY = click.Choice([strategy.value for strategy in Strategy])
_SETTING = "NAME=VALUE"


@click.group(cls=Group)
def pool() -> None:
    """Pools: one credential, several accounts that stand in for each other."""


@pool.command
@click.argument("key")
@click.argument("accounts", nargs=-1, required=True)
@click.option("--strategy", type=_STRATEGY, default="default-first", show_default=True)
@click.option("--set", "settings", multiple=True, metavar=_SETTING, help="move_left=0.1 and such.")
@vault_option
@json_option
@pass_connection
def create(
    connection: Connection,
    key: str,
    accounts: tuple[str, ...],
    strategy: str,
    settings: tuple[str, ...],
    vault: str | None,
    as_json: bool,
) -> None:
    """Create credential KEY, which is one of these accounts."""
    call = calls.create_pool(
        key, accounts, connection.vault(vault), strategy=strategy, settings=_settings(settings)
    )
    _show(connection.send(call), as_json)


@pool.command("list")
@vault_option
@json_option
@pass_connection
def list_pools(connection: Connection, vault: str | None, as_json: bool) -> None:
    """List the pools of a vault."""
    name = connection.vault(vault)
    found = connection.send(calls.pools(name))
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("KEY", "PROVIDER", "STRATEGY", "ACCOUNTS", "NOW"),
        ((one.key, one.provider, one.strategy, one.accounts, one.current) for one in found.pools),
        f"No pools in vault {output.safe(name)}.",
    )


@pool.command
@click.argument("key")
@click.argument("accounts", nargs=-1, required=True)
@vault_option
@json_option
@pass_connection
def add(
    connection: Connection, key: str, accounts: tuple[str, ...], vault: str | None, as_json: bool
) -> None:
    """Let accounts join a pool."""
    _show(connection.send(calls.add_to_pool(key, accounts, connection.vault(vault))), as_json)


@pool.command
@click.argument("key")
@click.argument("account")
@vault_option
@json_option
@pass_connection
def remove(
    connection: Connection, key: str, account: str, vault: str | None, as_json: bool
) -> None:
    """Let an account leave a pool."""
    _show(connection.send(calls.remove_from_pool(key, account, connection.vault(vault))), as_json)


@pool.command("set")
@click.argument("key")
@click.option("--strategy", type=_STRATEGY)
@click.option("--set", "settings", multiple=True, metavar=_SETTING, help="reserve=0.1 and such.")
@vault_option
@json_option
@pass_connection
def set_(
    connection: Connection,
    key: str,
    strategy: str | None,
    settings: tuple[str, ...],
    vault: str | None,
    as_json: bool,
) -> None:
    """Change how a pool chooses: warn_left, move_left, reserve, allow_extra_usage."""
    call = calls.change_pool(
        key, connection.vault(vault), strategy=strategy, settings=_settings(settings)
    )
    _show(connection.send(call), as_json)


@pool.command
@click.argument("key")
@vault_option
@yes_option
@pass_connection
def delete(connection: Connection, key: str, vault: str | None, yes: bool) -> None:
    """Delete a pool and its credential; its accounts stay."""
    confirm(f"Delete pool {output.safe(key)}?", yes)
    connection.send(calls.delete_pool(key, connection.vault(vault)))
    output.emit(f"Deleted {output.safe(key)}.")


def _settings(given: Sequence[str]) -> dict[str, float | bool]:
    found: dict[str, float | bool] = {}
    for text in given:
        name, _, value = text.partition("=")
        if value in ("true", "false"):
            found[name] = value == "true"
            continue
        try:
            found[name] = float(value)
        except ValueError:
            detail = f"--set takes {_SETTING}, with a number, true or false."
            raise VaultError("bad_request", detail) from None
    return found


def _show(found: PoolInfo, as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
        return
    output.emit_fields(
        [
            ("key", found.key),
            ("provider", found.provider),
            ("strategy", found.strategy),
            ("accounts", found.accounts),
            *found.settings.items(),
        ]
    )
