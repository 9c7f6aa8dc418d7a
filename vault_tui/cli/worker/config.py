"""`vault-tui config …`: the worker's settings."""

import json
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import Setting
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, json_option, pass_connection
from vault_tui.setting_text import parsed


@click.group(cls=Group)
def config() -> None:
    """The worker's settings: limits, retention, network."""


@config.command("list")
@json_option
@pass_connection
def list_(connection: Connection, as_json: bool) -> None:
    """List every setting with its meaning."""
    found = connection.send(calls.settings())
    if as_json:
        output.emit_json(found)
        return
    rows = [
        (one.name, _shown(one.value), _shown(one.default), one.description)
        for one in found.settings
    ]
    output.emit_table(("NAME", "VALUE", "DEFAULT", "MEANING"), rows, "No settings.")


@config.command
@click.argument("name")
@json_option
@pass_connection
def get(connection: Connection, name: str, as_json: bool) -> None:
    """Print one setting's value."""
    one = _named(connection.send(calls.settings()).settings, name)
    if as_json:
        output.emit_json(one)
    else:
        output.emit(output.safe(_shown(one.value)))


@config.command("set")
@click.argument("name")
@click.argument("value")
@pass_connection
def set_(connection: Connection, name: str, value: str) -> None:
    """Change a setting; effective at once. VALUE is JSON or plain text; lists: a,b,c."""
    before = _named(connection.send(calls.settings()).settings, name)
    changed = connection.send(calls.change_settings({name: parsed(value, before.default)}))
    one = _named(changed.settings, name)
    output.emit(f"{output.safe(one.name)} = {output.safe(_shown(one.value))}")


def _named(settings: list[Setting], name: str) -> Setting:
    for one in settings:
        if one.name == name:
            return one
    raise VaultError(
        "not_found", f"There is no setting {name}.", {"help": "`vault-tui config list` shows them."}
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
