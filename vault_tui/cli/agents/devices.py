"""`vault-tui device …` and `vault-tui managed-settings …`: Claude Code signed in at the gateway."""

import json
import sys
from pathlib import Path

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import DeviceResolved
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


@click.group(cls=Group)
def device() -> None:
    """Devices that sign in at the gateway by a code, as Claude Code's /login does."""


@device.command("list")
@json_option
@pass_connection
def list_devices(connection: Connection, as_json: bool) -> None:
    """List the devices that were approved, newest first."""
    found = connection.send(calls.devices())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "AGENT", "VAULT", "EMAIL", "CLIENT", "ADDRESS", "SIGNED IN", "APPROVED", "BY"),
        (
            (
                one.id,
                one.agent,
                one.vault,
                one.email,
                one.client,
                one.address,
                "yes" if one.signed_in else "no",
                one.created_at,
                one.created_by,
            )
            for one in found.devices
        ),
        "No devices.",
    )


@device.command
@json_option
@pass_connection
def waiting(connection: Connection, as_json: bool) -> None:
    """List the devices that wait to be approved, oldest first."""
    found = connection.send(calls.device_requests())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("CODE", "LEFT", "CLIENT", "ADDRESS"),
        ((one.code, f"{one.seconds_left}s", one.client, one.address) for one in found.requests),
        "No device waits.",
    )


@device.command
@click.argument("code")
@vault_option
@click.option("--agent", default="", metavar="NAME", help="Act as this agent; default: a new one.")
@click.option(
    "--role",
    type=click.Choice(["proxy", "member", "admin"]),
    default="proxy",
    show_default=True,
    help="What a new agent may do in the vault.",
)
@click.option("--email", default="", metavar="ADDRESS", help="Whose login it is; shown to them.")
@json_option
@pass_connection
def approve(
    connection: Connection,
    code: str,
    vault: str | None,
    agent: str,
    role: str,
    email: str,
    as_json: bool,
) -> None:
    """Let the device that shows CODE act as an agent of the vault."""
    place = connection.vault(vault)
    told_approved(connection.send(calls.approve_device(code, place, agent, role, email)), as_json)


@device.command
@click.argument("code")
@pass_connection
def deny(connection: Connection, code: str) -> None:
    """Refuse the device that shows CODE."""
    told_denied(connection.send(calls.deny_device(code)))


def told_approved(found: DeviceResolved, as_json: bool) -> None:
    """Say that a device was let in, and as whom."""
    if as_json:
        output.emit_json(found)
    else:
        name = output.safe(found.agent)
        output.emit(f"Approved {output.safe(found.code)}: it acts as agent {name}.")


def told_denied(found: DeviceResolved) -> None:
    """Say that a device was refused."""
    output.emit(f"Denied {output.safe(found.code)}.")


@device.command
@click.argument("device_id", metavar="ID")
@yes_option
@pass_connection
def revoke(connection: Connection, device_id: str, yes: bool) -> None:
    """End a device's sign-in: it has to ask again."""
    confirm(f"Revoke device {output.safe(device_id)}?", yes)
    connection.send(calls.revoke_device(device_id))
    output.emit(f"Revoked {output.safe(device_id)}.")


@click.group("managed-settings", cls=Group)
def managed_settings() -> None:
    """Settings of Claude Code that a vault's signed-in devices are given."""


@managed_settings.command
@vault_option
@json_option
@pass_connection
def show(connection: Connection, vault: str | None, as_json: bool) -> None:
    """Print them."""
    found = connection.send(calls.claude_settings(connection.vault(vault)))
    if as_json:
        output.emit_json(found)
    else:
        text = json.dumps(found.settings, indent=2, ensure_ascii=False)
        output.emit("\n".join(output.safe(line) for line in text.splitlines()))


@managed_settings.command("set")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@vault_option
@pass_connection
def set_(connection: Connection, file: Path, vault: str | None) -> None:
    """Set them from FILE, a managed-settings.json; `-` reads stdin.

    They may name programs that run on the devices: hooks and helpers.
    """
    place = connection.vault(vault)
    found = connection.send(calls.put_claude_settings(_document(file), place))
    output.emit(f"Vault {output.safe(place)} gives {output.safe(found.checksum)}.")


@managed_settings.command
@vault_option
@yes_option
@pass_connection
def clear(connection: Connection, vault: str | None, yes: bool) -> None:
    """Have none any more."""
    place = connection.vault(vault)
    confirm(f"Take the managed settings from vault {output.safe(place)}?", yes)
    connection.send(calls.delete_claude_settings(place))
    output.emit(f"Vault {output.safe(place)} has no managed settings.")


def _document(file: Path) -> dict[str, object]:
    """A file's JSON object. Raises VaultError: bad_request."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        found = json.loads(text)
    except (OSError, ValueError):
        raise VaultError("bad_request", f"{file} can't be read as JSON.") from None
    if not isinstance(found, dict):
        raise VaultError("bad_request", f"{file} holds no JSON object.")
    return found
