"""`vault-tui account add`: sign in at a provider, or paste tokens that were got elsewhere."""

import json
import sys
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import AccountAdded, AddAccount, ConnectAccount
from vault_tui.cli import output, secret_input
from vault_tui.cli.accounts.sign_in import browser_options, is_elsewhere, sign_in
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.lines import Lines
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option
from vault_tui.cli.vaults.oauth_connect import client_options, client_secret

DEFAULT_PROVIDER = "claude"
_OF_SIGNING_IN = (
    "paste_callback",
    "headless",
    "reconnect",
    "authorization_url",
    "client_secret_stdin",
)
_NAMES = ("nickname", "email", "token_url", "authorization_url", "client_id")


@click.command(cls=Command)
@click.option("--provider", default="", help=f"Default: {DEFAULT_PROVIDER}.")
@click.option("--paste-tokens", is_flag=True, help="Read the tokens, as JSON, from standard input.")
@click.option(
    "--paste-callback",
    is_flag=True,
    help="Open no browser; paste the address where the browser ended.",
)
@browser_options
@click.option("--reconnect", default="", metavar="NAME", help="Connect this account anew.")
@click.option("--nickname", default="", help="Default: from the e-mail.")
@click.option("--email", default="", help="Where the provider does not tell it.")
@click.option("--pool/--no-pool", "join", default=None, help="Join the provider's pool, or not.")
@client_options
@vault_option
@json_option
@pass_connection
def add(
    connection: Connection,
    /,
    provider: str,
    paste_tokens: bool,
    vault: str | None,
    as_json: bool,
    join: bool | None,
    **given: Any,
) -> None:
    """Add an account by signing in, or connect the one of that e-mail anew.

    With --paste-tokens they are `{"access_token", "refresh_token", "expires_in" or "expires_at"}`,
    with `client_secret` where the client has one, or what is in a `.credentials.json`. A refresh
    token is proven by using it: from then on only the vault may use it.
    """
    where = connection.vault(vault)
    if paste_tokens:
        added = _pasted(connection, provider, where, join, given)
    else:
        added = _signed_in(connection, provider, where, join, given)
    if added.suggested and join is None and not as_json and sys.stdin.isatty():
        added = _ask_to_join(connection, added, where)
    if as_json:
        output.emit_json(added)
    else:
        _tell_added(added)


def _pasted(
    connection: Connection, provider: str, vault: str, join: bool | None, given: dict[str, Any]
) -> AccountAdded:
    if any(given[name] for name in _OF_SIGNING_IN) or given["browser"] is not None:
        raise Usage("--paste-tokens signs nobody in: leave out what belongs to that")
    tokens = _tokens(secret_input.prompt_or_stdin("Tokens as JSON"))
    secret = str(tokens.pop("client_secret", ""))
    account = AddAccount(
        provider=provider or DEFAULT_PROVIDER,
        tokens=tokens,
        vault=vault,
        client_secret=secret,
        join=join,
        **{name: given[name] for name in ("nickname", "email", "token_url", "client_id")},
    )
    return connection.send(calls.add_account(account))


def _signed_in(
    connection: Connection, provider: str, vault: str, join: bool | None, given: dict[str, Any]
) -> AccountAdded:
    paste_callback, wanted = given["paste_callback"], given["headless"]
    browser = False if paste_callback else given["browser"]
    elsewhere = is_elsewhere(connection, wanted, browser)
    lines, account = Lines(), given["reconnect"]
    request = ConnectAccount(
        # An account that is there keeps its provider, and the configuration with it.
        provider=provider or ("" if account else DEFAULT_PROVIDER),
        vault=vault,
        account=account,
        join=join,
        headless=elsewhere,
        client_secret=client_secret(lines, given["client_secret_stdin"]),
        **{name: given[name] for name in _NAMES},
    )
    call = calls.connect_account(request)
    opens = not elsewhere and browser is not False
    flow = sign_in(connection, call, lines, opens=opens, pasted=elsewhere or paste_callback)
    if flow.account is None:
        raise VaultError("internal", "The worker does not tell what it has added.")
    return flow.account


def _tokens(text: str) -> dict[str, Any]:
    """Raises VaultError bad_request, which shows nothing of what was given."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise VaultError("bad_request", "Give the tokens as one JSON object.")
    return document


def _ask_to_join(connection: Connection, added: AccountAdded, vault: str) -> AccountAdded:
    """A second account of a provider: does it join the pool?"""
    pool = output.safe(added.suggested)
    question = (
        f"Let {output.safe(added.account.nickname)} join pool {pool}, to take over at limits?"
    )
    if not click.confirm(question, default=False, err=True):
        return added
    connection.send(calls.add_to_pool(added.suggested, [added.account.id], vault))
    added.pool, added.suggested = added.suggested, ""
    return added


def _tell_added(added: AccountAdded) -> None:
    name = output.safe(added.account.nickname)
    what = "Connected" if added.reconnected else "Added"
    words = [f"{what} {name} ({output.safe(added.account.email)})."]
    if added.pool and not added.reconnected:
        what = "Its credential is" if added.created else "It joined pool"
        words.append(f"{what} {output.safe(added.pool)}.")
    elif added.suggested:
        pool = output.safe(added.suggested)
        words.append(f"It serves nothing yet: `vault-tui pool add {pool} {name}` lets it join.")
    output.emit(" ".join(words))
