"""`vault-tui claude`: the real `claude`, through the worker, with an account of the vault.

The program gets a text that stands for its token and nothing else; its files are left alone. What
is not ours on the command line is its.
"""

import os
import shutil
import sys
from collections.abc import Sequence

import click

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain.accounts.providers import CLAUDE
from proxy_core.domain.claude_code import (
    PLACEHOLDER,
    TOKEN_VARIABLE,
    missing_services,
    stronger_variables,
)
from proxy_core.domain.wire import AccountInfo
from vault_tui.cli import output
from vault_tui.cli.accounts import account_tables
from vault_tui.cli.accounts.account_add import add as add_account
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Command, confirm, pass_connection, vault_option
from vault_tui.cli.running import supervise
from vault_tui.cli.running.project_scripts import check_scripts
from vault_tui.cli.running.run import DEFAULT_TTL, TTL_RANGE, Job, carry_out, open_worker
from vault_tui.cli.setup.setup_claude import past_gateway
from vault_tui.doctor.claude_facts import gateway_login

PROGRAM = "claude"
_SIGN_IN = f"vault-tui {PROGRAM} --auth"


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.option("--use", "name", default="", metavar="NAME", help="With this account alone.")
@click.option("--accounts", is_flag=True, help="List the accounts instead.")
@click.option("--auth", is_flag=True, help="Sign in instead: a new account, or a known one anew.")
@click.option("--add", is_flag=True, help="The same; accounts that are there always stay.")
@click.option("--headless", is_flag=True, help="Sign in with a browser on another machine.")
@click.option("--paste-callback", is_flag=True, help="Sign in; paste where the browser ended.")
@click.option("--logout", is_flag=True, help="Remove an account instead: --use NAME, else default.")
@click.option("--nickname", default="", metavar="N", help="Rename an account, or name a new one.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--ttl", type=TTL_RANGE, default=DEFAULT_TTL, metavar="S", help="Session, seconds.")
@vault_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PROMPT or its options…]")
@pass_connection
@click.pass_context
def claude(
    ctx: click.Context,
    connection: Connection,
    /,
    *,
    name: str,
    accounts: bool,
    auth: bool,
    add: bool,
    headless: bool,
    paste_callback: bool,
    logout: bool,
    nickname: str,
    yes: bool,
    ttl: int,
    vault: str | None,
    arguments: Sequence[str],
) -> None:
    """Run Claude Code with an account of the vault: `vault-tui claude "fix the tests"`.

    It needs no login of its own and gets no token. Without --use the pool chooses the account, and
    takes another one at a limit. Whatever is not listed here is passed on to `claude`; what follows
    `--` in any case.
    """
    where = connection.vault(vault)
    signs_in = auth or add or headless or paste_callback
    if accounts + logout + signs_in > 1:
        raise Usage("--accounts, --logout and signing in are different things: give one of them")
    if arguments and (accounts or logout or signs_in or nickname):
        raise Usage("That starts no session: leave out the prompt and what is meant for claude")
    if accounts:
        _list(connection, where)
    elif logout:
        _log_out(connection, name, where, yes)
    elif signs_in:
        _sign_in(ctx, where, headless, paste_callback, nickname, name)
    elif nickname:
        _rename(connection, name, nickname, where)
    else:
        ctx.exit(_run(ctx, connection, name, where, ttl, arguments))


def _list(connection: Connection, vault: str) -> None:
    found = connection.send(calls.accounts(vault, CLAUDE.id)).accounts
    account_tables.emit_accounts(found, f"No Claude account: `{_SIGN_IN}` adds one.")


def _log_out(connection: Connection, name: str, vault: str, yes: bool) -> None:
    found = _account(connection, name, vault)
    confirm(f"Remove account {output.safe(found.nickname)} ({output.safe(found.email)})?", yes)
    removed = connection.send(calls.remove_account(found.id, vault))
    undo = f"`vault-tui account remove {output.safe(found.nickname)} --undo`"
    output.emit(f"Removed {output.safe(removed.name)}; until {removed.restorable_until} {undo}.")


def _rename(connection: Connection, name: str, nickname: str, vault: str) -> None:
    found = _account(connection, name, vault)
    call = calls.change_account(found.id, vault, nickname=nickname)
    changed = connection.send(call)
    output.emit(f"{output.safe(found.nickname)} is called {output.safe(changed.nickname)} now.")


def _sign_in(
    ctx: click.Context,
    vault: str,
    headless: bool,
    paste_callback: bool,
    nickname: str,
    name: str,
) -> None:
    ctx.invoke(
        add_account,
        provider=CLAUDE.id,
        headless=headless,
        paste_callback=paste_callback,
        nickname=nickname,
        reconnect=name,
        vault=vault,
    )


def _account(connection: Connection, name: str, vault: str) -> AccountInfo:
    """The account that is named, or the default. Raises VaultError: not_found."""
    if name:
        return connection.send(calls.account(name, vault))
    found = connection.send(calls.accounts(vault, CLAUDE.id)).accounts
    for one in found:
        if one.default:
            return one
    raise VaultError("not_found", f"There is no Claude account; `{_SIGN_IN}` adds one.")


def _serving(connection: Connection, name: str, vault: str) -> AccountInfo:
    """The account that is named. Claude Code would only tell after twenty seconds, if its login has
    ended. Raises VaultError: not_found, oauth_refresh_failed.
    """
    found = _account(connection, name, vault)
    if found.state != "reconnect":
        return found
    nickname = display_safe(found.nickname)
    what = f"The login of account {nickname} has ended ({display_safe(found.last_error)})."
    remedy = f"`vault-tui {PROGRAM} --auth --use {nickname}` signs in anew."
    raise VaultError("oauth_refresh_failed", what, {"help": remedy})


# --- a session ----------------------------------------------------------------------------------


def _run(
    ctx: click.Context,
    connection: Connection,
    name: str,
    vault: str,
    ttl: int,
    arguments: Sequence[str],
) -> int:
    program = shutil.which(PROGRAM)
    if program is None:
        why = "there is no such program; `npm install -g @anthropic-ai/claude-code` installs it"
        raise supervise.NotStarted(PROGRAM, why, supervise.NOT_FOUND)
    check_scripts(connection.home, is_agent=connection.is_agent)
    status = open_worker(connection)
    ensure_account(ctx, connection, vault)
    _ensure_services(connection, vault)
    account = _serving(connection, name, vault) if name else None
    for variable in stronger_variables(os.environ):
        say(f"{variable} is set: Claude Code heeds it, and not the vault's account alone.")
    login = gateway_login(os.environ)
    if login is not None and not login.ended:
        say("Claude Code is signed in to a gateway, and uses that: `claude /logout` ends it.")
    job = Job(
        [program, *past_gateway(connection.home, arguments), *arguments],
        vault,
        ttl,
        account=account.id if account else "",
        variables={TOKEN_VARIABLE: PLACEHOLDER},
    )
    return carry_out(connection, status, job)


def ensure_account(ctx: click.Context, connection: Connection, vault: str) -> None:
    """Without an account, a person signs in now; a script is told how.

    Raises VaultError: oauth_not_connected, credential_not_found (accounts that serve nothing).
    """
    if CLAUDE.pool_key in connection.send(calls.credentials(vault)).keys:
        return
    found = connection.send(calls.accounts(vault, CLAUDE.id)).accounts
    if found:
        remedy = f"vault-tui pool create {CLAUDE.pool_key} {display_safe(found[0].nickname)}"
        what = f"The Claude accounts of vault {vault} serve nothing: `{remedy}` lets one do so."
        raise VaultError("credential_not_found", what)
    if not sys.stdin.isatty():
        raise VaultError("oauth_not_connected", f"No Claude account: `{_SIGN_IN}` adds one.")
    say("There is no Claude account yet: sign in.")
    _sign_in(ctx, vault, headless=False, paste_callback=False, nickname="", name="")


def _ensure_services(connection: Connection, vault: str) -> None:
    """Add the services that are missing, after saying so."""
    missing = missing_services(connection.send(calls.services(vault)).services)
    if not missing:
        return
    hosts = ", ".join(document["host"] for document in missing)
    say(f"Vault {vault} gets services for {hosts}, with credential {CLAUDE.pool_key}.")
    connection.send(calls.upsert_services(missing, vault))
