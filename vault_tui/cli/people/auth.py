"""`vault-tui auth …`: sign in once, and print a token for programs that ask a command for one."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens, due
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Group, json_option, pass_connection
from vault_tui.cli.running.run import DEFAULT_TTL, TTL_RANGE

_LABEL = "auth login"
_AUTH_METHODS = {"basic": "client_secret_basic", "post": "client_secret_post"}
_KEPT = {
    "keyring": "the OS keyring",
    "file": "an encrypted file of the home",
    "": "nowhere: the login has ended",
}


@click.group(cls=Group)
def auth() -> None:
    """Your own token, for programs that run a command to get one (`apiKeyHelper`)."""


@auth.command
@click.option("--issuer", default="", metavar="URL", help="The company's OpenID issuer.")
@click.option("--client-id", default="", metavar="ID", help="This program's name there; public.")
@click.option(
    "--client-secret-stdin",
    "secret",
    is_flag=True,
    help="The client has a secret: typed, or the first line of standard input.",
)
@click.option(
    "--auth-method",
    type=click.Choice(tuple(_AUTH_METHODS)),
    help="How the secret is sent. Default: as the issuer's metadata says.",
)
@click.option("--audience", default="", metavar="A", help="The API that the token is for.")
@click.option("--scopes", default="", metavar="TEXT", help="What to ask for, blanks between.")
@click.option(
    "--use",
    type=click.Choice(("access", "id")),
    help="The token to print. Default: the access token with --audience, else the ID token.",
)
@click.option(
    "--redirect-uri", default="", metavar="URL", help="The one registered, on this machine."
)
@click.option("--device", is_flag=True, help="Type a code on any device instead.")
@click.option(
    "--headless",
    is_flag=True,
    help="The browser is on another machine: paste what it shows in the end. "
    "The default over SSH and without a display.",
)
@click.option("--browser/--no-browser", default=None, help="Open a browser here, or not.")
@click.option(
    "--fresh",
    is_flag=True,
    help="Have the issuer ask who you are, whatever it remembers: for what takes a proof.",
)
@click.option("--vault", metavar="V", help="Instead: a session of this machine's worker.")
@click.option("--ttl", type=TTL_RANGE, metavar="S", help="That session's life, in seconds.")
@json_option
@pass_connection
def login(
    connection: Connection, /, vault: str | None, ttl: int | None, as_json: bool, **given: Any
) -> None:
    """Sign in at an issuer, or take a session of the worker; `auth token` prints the token.

    Without an issuer and a vault, as the last time. Tokens are kept in the OS keyring; where there
    is none that works, in an encrypted file, and that is said; a client's secret with them. The
    way to the issuer is HTTPS_PROXY's; --ca-file is for its certificate, and is remembered.
    """
    holder = Holder(connection.home, say)
    last = None if given["issuer"] or vault else holder.login
    vault = vault or (last.vault if last else None)
    if vault:
        if given["issuer"]:
            raise Usage("--issuer and --vault are two ways: give one of them")
        made = _session(connection, holder, vault, ttl or DEFAULT_TTL)
    else:
        given["ca_file"] = connection.ca_file
        made = _at_issuer(holder, last, **given)
    _show(made, as_json)


@auth.command
@click.option("--refresh", is_flag=True, help="Another one: the one that there is, is refused.")
@click.pass_context
def token(ctx: click.Context, refresh: bool) -> None:
    """Print a token: from the cache, refreshed if it has to be. Nothing else goes to stdout.

    Claude Code, which asks again when it was answered 401, gets another one without --refresh.
    At a terminal, someone whose login has ended signs in again. Otherwise, or with CI set, that
    is said on stderr, with exit code 1.
    """
    from vault_tui.cli.people.auth_quick import print_token

    ctx.exit(print_token(refresh=refresh))


@auth.command
@json_option
@pass_connection
@click.pass_context
def status(ctx: click.Context, connection: Connection, as_json: bool) -> None:
    """Show whose token it is, until when, and where it is kept. Exit code 1: there is none."""
    found = Holder(connection.home, say).login
    if found is not None:
        _show(found, as_json)
    elif as_json:
        output.emit_json({"signed_in": False})
    else:
        say("Nobody has signed in here.")
    if found is None or not _usable(found):
        ctx.exit(1)


@auth.command
@pass_connection
def logout(connection: Connection) -> None:
    """Revoke the tokens where that can be done, and remove them here, everywhere."""

    def revoke(kept: Login, tokens: Tokens) -> None:
        _revoke_session(connection, kept, tokens) if kept.vault else _revoke(kept, tokens)

    was = Holder(connection.home, say).forget(revoke)
    if was is None:
        say("Nobody has signed in here.")
    else:
        output.emit(f"Signed out of {output.safe(was.issuer)}.")


def _at_issuer(holder: Holder, last: Login | None, **given: Any) -> Login:
    from vault_tui.cli.people.auth_sign_in import Way, discovered, sign_in

    way = Way(given["headless"], given["browser"], given["device"], given["use"], given["fresh"])
    secret = _client_secret() if given["secret"] else ""
    ca_file = str(Path(given["ca_file"]).absolute()) if given["ca_file"] else ""
    if last is None:
        if not given["issuer"] or not given["client_id"]:
            raise Usage("Say where: --issuer URL --client-id ID, or --vault V")
        last = discovered(given["issuer"], secret, ca_file)
    else:
        if secret and last.auth_method == "none":
            raise Usage("The last login's client has no secret: say --issuer and --client-id")
        way = replace(way, printed=way.printed or last.printed)
    named = {name: given[name] for name in ("client_id", "audience", "scopes", "redirect_uri")}
    named |= {"ca_file": ca_file, "auth_method": _AUTH_METHODS.get(given["auth_method"], "")}
    wanted = replace(last, **{name: value for name, value in named.items() if value})
    return sign_in(holder, wanted, way, secret)[0]


def _client_secret() -> str:
    """Typed, or the first line of what is piped in."""
    from vault_tui.cli import secret_input

    if sys.stdin.isatty():
        return secret_input.prompt("Client secret")
    if secret := secret_input.line_from_stdin():
        return secret
    raise Usage("Standard input holds no client secret")


def _session(connection: Connection, holder: Holder, vault: str, ttl: int) -> Login:
    made = connection.send(calls.create_session(vault, ttl, _LABEL))
    expires_at = datetime.fromisoformat(made.expires_at).timestamp()
    kept = Login(issuer=made.av_addr, vault=vault, session_id=made.id)
    tokens = Tokens(
        printed=made.token, expires_at=expires_at, refresh_at=due(holder.now, expires_at)
    )
    return holder.keep(kept, tokens)


def _revoke(kept: Login, tokens: Tokens) -> None:
    """At the issuer, where it has an endpoint. Raises VaultError oauth_login_failed."""
    from proxy_core.domain.oauth.failures import TokenError
    from proxy_core.tokens.issuer import Issuer, client_of

    if not kept.revocation_url:
        return
    try:
        Issuer.of(kept, tokens.secret).revoke(client_of(kept), tokens.refresh or tokens.access)
    except TokenError as error:
        detail = f"The issuer did not revoke the tokens: {error.detail}"
        raise VaultError("oauth_login_failed", detail) from None


def _revoke_session(connection: Connection, kept: Login, tokens: Tokens) -> None:
    """By the session's own token: no operator need be asked. Raises VaultError."""
    target = Target(base_url=kept.issuer, token=tokens.printed, ca_file=connection.target.ca_file)
    try:
        SyncClient(target).send(calls.revoke_session(kept.session_id, kept.vault))
    except VaultError as error:
        if error.code != "unauthorized":  # it has ended already: that is as good
            raise


def _expired(kept: Login) -> bool:
    return kept.expires_at is not None and time.time() >= kept.expires_at


def _usable(kept: Login) -> bool:
    """Whether `auth token` has one to print, for all that is known here."""
    return bool(kept.kept) and (kept.refreshable or not _expired(kept))


def _show(kept: Login, as_json: bool) -> None:
    ends = None
    if kept.expires_at is not None:
        ends = datetime.fromtimestamp(kept.expires_at, UTC).isoformat(timespec="seconds")
    facts = {
        "issuer": kept.issuer,
        "client_id": kept.client_id,
        "auth_method": "" if kept.auth_method == "none" else kept.auth_method,
        "vault": kept.vault,
        "subject": kept.subject,
        "email": kept.email,
        "audience": kept.audience,
        "token": "session" if kept.vault else kept.printed,
        "expires_at": ends,
        "expired": _expired(kept),
        "refreshable": kept.refreshable,
    }
    if as_json:
        where = {"kept": kept.kept, "backend": kept.backend}
        output.emit_json({"signed_in": _usable(kept), **facts, **where})
        return
    shown = [(name.replace("_", " "), value) for name, value in facts.items() if value != ""]
    output.emit_fields([*shown, ("kept in", _KEPT[kept.kept])])
