"""`vault-tui account …`: logins at providers, and what is left of their quota."""

import click

from proxy_core.client import calls
from proxy_core.domain.wire import AccountInfo
from vault_tui.cli import output
from vault_tui.cli.accounts import account_tables
from vault_tui.cli.accounts.account_add import add
from vault_tui.cli.accounts.account_import import import_accounts
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
def account() -> None:
    """Accounts: logins at providers, with their quota.

    NAME is an account's nickname, e-mail, id, or the beginning of one.
    """


account.add_command(add)
account.add_command(import_accounts)


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
    if not found:
        alone = f"Account {output.safe(only)} is in no pool."
        output.emit(alone if only else f"No pools in vault {output.safe(where)}.")
    account_tables.emit_choices(found, only)


def _done(found: AccountInfo, as_json: bool, what: str) -> None:
    if as_json:
        output.emit_json(found)
    else:
        output.emit(f"{output.safe(found.nickname)} {what}.")
