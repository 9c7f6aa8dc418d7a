"""`vault-tui webhook …`."""

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import WebhookInfo, WebhookSecret
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option

_id = click.argument("webhook_id", metavar="ID")


@click.group(cls=Group)
def webhook() -> None:
    """Tell other programs what waits for you, and what went wrong."""


@webhook.command("list")
@json_option
@pass_connection
def list_webhooks(connection: Connection, as_json: bool) -> None:
    """List the webhooks, and how their deliveries go."""
    found = connection.send(calls.webhooks())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "ADDRESS", "FORMAT", "EVENTS", "VAULT", "STATE", "LAST", "WAITING", "DROPPED"),
        (
            (
                one.id,
                one.url,
                one.format,
                one.events,
                one.vault or "all",
                one.state,
                one.last_at,
                one.waiting,
                one.dropped,
            )
            for one in found.webhooks
        ),
        "No webhooks.",
    )
    for one in found.webhooks:
        if one.last_error:
            output.emit(f"{output.safe(one.id)}: {output.safe(_trouble(one))}")


@webhook.command
@click.argument("url", metavar="[URL]", default="")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["json", "slack"]),
    default="json",
    show_default=True,
    help='slack: {"text": …}, which Mattermost and others take as well.',
)
@click.option(
    "--events", metavar="LIST", default="", help="Types or families (proposal.*), with commas."
)
@click.option("--vault", metavar="NAME", default="", help="Only what concerns this vault.")
@json_option
@pass_connection
def add(
    connection: Connection, url: str, kind: str, events: str, vault: str, as_json: bool
) -> None:
    """Add a webhook; its secret is shown once.

    An address that holds a secret, as Slack's do, is better left out: then it is asked for, or
    read from standard input. Other users of this machine may see command lines.
    """
    address = url or secret_input.prompt_or_stdin("Address").strip()
    wanted = [name.strip() for name in events.split(",") if name.strip()]
    _show_secret(connection.send(calls.add_webhook(address, kind, wanted, vault)), as_json)


@webhook.command
@_id
@json_option
@pass_connection
def rotate(connection: Connection, webhook_id: str, as_json: bool) -> None:
    """Give it a new secret; for a day the one before signs as well."""
    _show_secret(connection.send(calls.rotate_webhook(webhook_id)), as_json)


@webhook.command
@_id
@json_option
@pass_connection
def test(connection: Connection, webhook_id: str, as_json: bool) -> None:
    """Send it a notice now, and say whether it was taken."""
    found = connection.send(calls.try_webhook(webhook_id))
    if as_json:
        output.emit_json(found)
    elif found.delivered:
        output.emit(f"Delivered: the receiver answered {found.status}.")
    if not found.delivered:
        raise VaultError("webhook_failed", f"Not delivered: {found.error}.")


@webhook.command
@_id
@pass_connection
def enable(connection: Connection, webhook_id: str) -> None:
    """Switch it on again."""
    connection.send(calls.enable_webhook(webhook_id))
    output.emit(f"Enabled {output.safe(webhook_id)}.")


@webhook.command
@_id
@pass_connection
def disable(connection: Connection, webhook_id: str) -> None:
    """Switch it off, and keep it."""
    connection.send(calls.enable_webhook(webhook_id, enabled=False))
    output.emit(f"Disabled {output.safe(webhook_id)}.")


@webhook.command
@_id
@yes_option
@pass_connection
def remove(connection: Connection, webhook_id: str, yes: bool) -> None:
    """Remove it."""
    confirm(f"Remove webhook {output.safe(webhook_id)}?", yes)
    connection.send(calls.remove_webhook(webhook_id))
    output.emit(f"Removed {output.safe(webhook_id)}.")


def _trouble(one: WebhookInfo) -> str:
    since = f" since {one.failing_since}" if one.failing_since else ""
    return f"{one.state}{since}: {one.last_error}"


def _show_secret(found: WebhookSecret, as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
        return
    output.emit(f"Webhook {output.safe(found.webhook.id)} to {output.safe(found.webhook.url)}")
    output.emit(f"Secret (shown once): {output.safe(found.secret)}")
    if found.former_until:
        output.emit(f"The former secret signs as well until {output.safe(found.former_until)}.")
