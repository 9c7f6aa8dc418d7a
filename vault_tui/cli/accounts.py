"""`vault-tui account …`: logins at providers, and what is left of their quota."""

import json
import sys
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import account_calls as calls
from proxy_core.domain.wire import AccountAdded, AccountInfo
from vault_tui.cli import account_tables, output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import (
    Group,
    confirm,
    json_option,
    pass_connection,
    vault_option,
    yes_option,
)

DEFAULT_PROVIDER = "claude"


@click.group(cls=Group)
def account() -> None:
    """Accounts: logins at providers, with their quota.

    NAME is an account's nickname, e-mail, id, or the beginning of one.
    """


@account.command
@click.option("--provider", default=DEFAULT_PROVIDER, show_default=True)
@click.option("--paste-tokens", is_flag=True, help="Read the tokens, as JSON, from standard input.")
@click.option("--nickname", default="", help="Default: from the e-mail.")
@click.option("--email", default="", help="Where the tokens do not tell it.")
@click.option("--pool/--no-pool", "join", default=None, help="Join the provider's pool, or not.")
@click.option("--token-url", default="", metavar="URL", help="Instead of the provider's own.")
@click.option("--client-id", default="", metavar="ID", help="Instead of the provider's own.")
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
    **names: str,
) -> None:
    """Add an account, or connect the one of that e-mail anew.

    Tokens are `{"access_token", "refresh_token", "expires_in" or "expires_at"}`, with
    `client_secret` where the client has one, or what is in a `.credentials.json`. A refresh token
    is proven by using it: from then on only the vault may use it.
    """
    if not paste_tokens:
        raise Usage("Say --paste-tokens and give the tokens on standard input")
    name = connection.vault(vault)
    tokens = _tokens(secret_input.prompt_or_stdin("Tokens as JSON"))
    secret = str(tokens.pop("client_secret", ""))
    call = calls.add_account(provider, tokens, name, client_secret=secret, join=join, **names)
    added = connection.send(call)
    if added.suggested and join is None and not as_json and sys.stdin.isatty():
        added = _ask_to_join(connection, added, name)
    if as_json:
        output.emit_json(added)
    else:
        _tell_added(added)


@account.command("list")
@click.option("--provider", default="", help="Of this provider only.")
@click.option("--removed", is_flag=True, help="Those that can be brought back.")
@vault_option
@json_option
@pass_connection
def list_accounts(
    connection: Connection, provider: str, removed: bool, vault: str | None, as_json: bool
) -> None:
    """List accounts with their state and quota."""
    name = connection.vault(vault)
    found = connection.send(calls.accounts(name, provider, removed=removed)).accounts
    if as_json:
        output.emit_json(account_tables.document(found))
        return
    account_tables.emit_accounts(found, f"No accounts in vault {output.safe(name)}.")


@account.command
@click.argument("name")
@click.option("--agent", default="", help="Pin this agent to the account instead.")
@click.option("--session", default="", metavar="ID", help="Pin this session instead.")
@vault_option
@json_option
@pass_connection
def use(
    connection: Connection, name: str, agent: str, session: str, vault: str | None, as_json: bool
) -> None:
    """Make an account its provider's default, or pin an agent or session to it.

    Who is pinned never uses another account. NAME `any` takes a pin away.
    """
    where = connection.vault(vault)
    if not (agent or session):
        _done(connection.send(calls.use_account(name, where)), as_json, "is the default now")
        return
    if name == "any":
        call = calls.unpin_account(where, agent=agent, session=session)
    else:
        call = calls.pin_account(name, where, agent=agent, session=session)
    pinned = connection.send(call)
    if as_json:
        output.emit_json(pinned)
        return
    what = f"uses {output.safe(pinned.account)} alone" if pinned.account else "uses any account"
    output.emit(f"{output.safe(agent or session)} {what} now.")


@account.command
@click.argument("name")
@click.argument("nickname")
@vault_option
@json_option
@pass_connection
def rename(
    connection: Connection, name: str, nickname: str, vault: str | None, as_json: bool
) -> None:
    """Give an account another nickname."""
    call = calls.change_account(name, connection.vault(vault), nickname=nickname)
    _done(connection.send(call), as_json, "is its name now")


@account.command
@click.argument("name")
@vault_option
@json_option
@pass_connection
def pause(connection: Connection, name: str, vault: str | None, as_json: bool) -> None:
    """Take an account for no more requests; its tokens stay fresh."""
    _done(connection.send(calls.pause_account(name, connection.vault(vault))), as_json, "is paused")


@account.command
@click.argument("name")
@vault_option
@json_option
@pass_connection
def resume(connection: Connection, name: str, vault: str | None, as_json: bool) -> None:
    """Take an account for requests again."""
    call = calls.resume_account(name, connection.vault(vault))
    _done(connection.send(call), as_json, "serves again")


@account.command
@click.argument("name")
@click.option("--undo", is_flag=True, help="Bring back an account that was removed.")
@vault_option
@yes_option
@json_option
@pass_connection
def remove(
    connection: Connection, name: str, undo: bool, vault: str | None, yes: bool, as_json: bool
) -> None:
    """Remove an account; for 30 days --undo brings it back."""
    where = connection.vault(vault)
    if undo:
        _done(connection.send(calls.restore_account(name, where)), as_json, "is back")
        return
    found = connection.send(calls.account(name, where))
    confirm(f"Remove account {output.safe(found.nickname)} ({output.safe(found.email)})?", yes)
    removed = connection.send(calls.remove_account(found.id, where))
    if as_json:
        output.emit_json(removed)
        return
    until = removed.restorable_until
    output.emit(f"Removed {output.safe(removed.name)}; --undo brings it back until {until}.")


@account.command
@click.argument("name")
@vault_option
@json_option
@pass_connection
def refresh(connection: Connection, name: str, vault: str | None, as_json: bool) -> None:
    """Refresh an account's tokens now."""
    found = connection.send(calls.refresh_account(name, connection.vault(vault)))
    _done(found, as_json, f"has new tokens until {output.safe(found.expires_at)}")


@account.command
@click.argument("name", required=False)
@click.option("--refresh", "ask", is_flag=True, help="Ask the provider now.")
@click.option("--provider", default="", help="Of this provider only.")
@vault_option
@json_option
@pass_connection
def quota(
    connection: Connection,
    name: str | None,
    ask: bool,
    provider: str,
    vault: str | None,
    as_json: bool,
) -> None:
    """Show what is left of each account's quota."""
    where = connection.vault(vault)
    if name:
        found = [connection.send(calls.account(name, where))]
    else:
        found = connection.send(calls.accounts(where, provider)).accounts
    if ask:
        found = [connection.send(calls.ask_quota(one.id, where)) for one in found]
    if as_json:
        output.emit_json(account_tables.document(found))
        return
    account_tables.emit_quota(found)


@account.command
@click.argument("name", required=False)
@click.option("--model", default="", help="For requests that ask for this model.")
@vault_option
@json_option
@pass_connection
def why(
    connection: Connection, name: str | None, model: str, vault: str | None, as_json: bool
) -> None:
    """Show which account each pool would choose, and why it chose as it did."""
    where = connection.vault(vault)
    keys = [pool.key for pool in connection.send(calls.pools(where)).pools]
    if name:
        wanted = connection.send(calls.account(name, where))
        keys = [key for key in keys if key in wanted.pools]
    found = [connection.send(calls.pool_choices(key, where, model)) for key in keys]
    if as_json:
        output.emit_json(found)
        return
    only = wanted.nickname if name else ""
    account_tables.emit_choices(found, only)


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


def _done(found: AccountInfo, as_json: bool, what: str) -> None:
    if as_json:
        output.emit_json(found)
    else:
        output.emit(f"{output.safe(found.nickname)} {what}.")
