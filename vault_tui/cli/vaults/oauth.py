"""`vault-tui credential oauth …`: credentials whose tokens the worker keeps fresh."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.wire import OAuthStatus, PasteTokens
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Group, json_option, pass_connection, vault_option
from vault_tui.cli.vaults.oauth_connect import connect, providers

_TOKENS = ("access_token", "refresh_token", "expires_in", "expires_at")


@click.group(cls=Group)
def oauth() -> None:
    """OAuth credentials: connected once, refreshed ahead of time."""


oauth.add_command(connect)
oauth.add_command(providers)


@oauth.command()
@click.argument("key")
@click.option("--token-url", default="", metavar="URL", help="The provider's token endpoint.")
@click.option("--provider", default="", metavar="ID", help="A known provider instead of URLs.")
@click.option("--client-id", default="", metavar="ID", help="The client the tokens are for.")
@click.option(
    "--client-secret-stdin",
    is_flag=True,
    help="The first line of standard input is the client's secret, the rest the tokens.",
)
@click.option("--auth-method", type=click.Choice(("none", "post", "basic")), help="Of the client.")
@click.option("--token-format", type=click.Choice(("form", "json")), help="Of the token endpoint.")
@click.option("--scopes", default="", metavar="TEXT", help="What the tokens allow.")
@vault_option
@json_option
@pass_connection
def paste(
    connection: Connection,
    key: str,
    token_url: str,
    provider: str,
    client_id: str,
    client_secret_stdin: bool,
    auth_method: str | None,
    token_format: str | None,
    scopes: str,
    vault: str | None,
    as_json: bool,
) -> None:
    """Store tokens that were got elsewhere: JSON on standard input.

    {"access_token": …, "refresh_token": …, "expires_in": seconds or "expires_at": time}. A refresh
    token is used at once to prove it; when that fails, nothing is stored.
    """
    check_credential_key(key)
    if not (token_url or provider):
        raise Usage("Say where tokens are refreshed: --token-url URL, or --provider ID")
    secret = secret_input.line_from_stdin() if client_secret_stdin else ""
    request = PasteTokens(
        key=key,
        vault=connection.vault(vault),
        client_secret=secret,
        token_url=token_url,
        provider=provider,
        client_id=client_id,
        token_auth_method=auth_method or "",
        token_format=token_format or "",
        scopes=scopes,
        **_tokens(_pasted()),
    )
    done = connection.send(calls.paste_tokens(request))
    if as_json:
        output.emit_json(done)
    else:
        output.emit(f"{output.safe(key)} is connected since {output.safe(done.connected_at)}.")


@oauth.command()
@click.argument("key")
@vault_option
@json_option
@pass_connection
def refresh(connection: Connection, key: str, vault: str | None, as_json: bool) -> None:
    """Refresh the tokens now."""
    _show(connection.send(calls.refresh_oauth(key, connection.vault(vault))), as_json)


@oauth.command()
@click.argument("key")
@vault_option
@json_option
@pass_connection
def status(connection: Connection, key: str, vault: str | None, as_json: bool) -> None:
    """Show whether it is connected, and how refreshing goes."""
    _show(connection.send(calls.oauth_status(key, connection.vault(vault))), as_json)


def _show(found: OAuthStatus, as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
        return
    output.emit_fields(
        [
            ("state", found.state),
            ("connected", found.connected_at),
            ("expires", found.expires_at),
            ("next refresh", found.next_refresh_at),
            ("last refresh", found.last_refresh_at),
            ("refreshes", found.refresh_count),
            ("last error", found.last_error),
        ]
    )


def _pasted() -> str:
    if sys.stdin.isatty():
        return secret_input.prompt("Tokens, as JSON on one line")
    return secret_input.from_stdin()


def _tokens(text: str) -> dict[str, Any]:
    """The tokens' fields. No error shows what was pasted."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise VaultError("bad_request", "The tokens are not JSON.") from None
    if not isinstance(document, Mapping) or not document.get("access_token"):
        raise VaultError("bad_request", "The tokens must be a JSON object with access_token.")
    found = {name: document[name] for name in _TOKENS if document.get(name) is not None}
    if not all(isinstance(value, str | int | float) for value in found.values()):
        raise VaultError("bad_request", "The tokens must be texts, and times texts or numbers.")
    return found
