"""`vault-tui credential oauth connect`: sign in at a provider, or let the client do so itself."""

import sys
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.wire import ConnectOAuth, OAuthProvider
from vault_tui.cli import output, secret_input
from vault_tui.cli.accounts.sign_in import browser_options, is_elsewhere, sign_in
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.lines import Lines
from vault_tui.cli.options import Command, F, json_option, pass_connection, vault_option

_GRANTS = ("authorization-code", "client-credentials", "jwt-bearer")


def client_options(function: F) -> F:
    """How to reach a provider that has no preset, and as which client."""
    texts = (
        ("--client-id", "ID", "The client that you registered."),
        ("--token-url", "URL", "The provider's token endpoint."),
        ("--authorization-url", "URL", "The page where a person agrees."),
    )
    for name, metavar, help_text in texts:
        function = click.option(name, default="", metavar=metavar, help=help_text)(function)
    return click.option(
        "--client-secret-stdin", is_flag=True, help="Its secret: a line of standard input."
    )(function)


def client_secret(lines: Lines, wanted: bool) -> str:
    """The client's secret, if there is to be one: a prompt, or the first line of the input.

    Raises VaultError: bad_request.
    """
    if not wanted:
        return ""
    if sys.stdin.isatty():
        return secret_input.prompt("Client secret")
    secret = lines.next()
    if secret is None:
        raise VaultError("bad_request", "Standard input holds no client secret.")
    return secret


@click.command(cls=Command)
@click.argument("key")
@click.option("--provider", default="", metavar="ID", help="A known one: see `providers`.")
@click.option("--issuer", default="", metavar="URL", help="An issuer that tells its endpoints.")
@client_options
@click.option("--device-url", default="", metavar="URL", help="Where device codes are given.")
@click.option("--auth-method", type=click.Choice(("none", "post", "basic")), help="Of the client.")
@click.option("--token-format", type=click.Choice(("form", "json")), help="Of the token endpoint.")
@click.option("--scopes", default="", metavar="TEXT", help="What to ask for, blanks between.")
@click.option("--grant", type=click.Choice(_GRANTS), help="jwt-bearer: the key from stdin, in PEM.")
@click.option("--device", is_flag=True, help="Type a code on any device instead.")
@click.option("--authorize-param", multiple=True, metavar="NAME=VALUE", help="For the page's URL.")
@click.option("--token-param", multiple=True, metavar="NAME=VALUE", help="For the token endpoint.")
@click.option(
    "--assertion", multiple=True, metavar="NAME=VALUE", help="issuer, subject, audience …"
)
@click.option("--callback-port", default=0, metavar="PORT", help="The only one that is registered.")
@browser_options
@vault_option
@json_option
@pass_connection
def connect(
    connection: Connection,
    /,
    key: str,
    vault: str | None,
    as_json: bool,
    browser: bool | None,
    headless: bool,
    **given: Any,
) -> None:
    """Connect a credential at its provider, for the first time or anew.

    A credential that exists keeps its configuration if no provider, issuer or --token-url is named.
    """
    check_credential_key(key)
    elsewhere = is_elsewhere(connection, headless, browser)
    lines = Lines()
    request = ConnectOAuth(
        key=key, vault=connection.vault(vault), headless=elsewhere, **_fields(given, lines)
    )
    call = calls.connect_oauth(request)
    opens = not elsewhere and browser is not False
    flow = sign_in(connection, call, lines, opens=opens, pasted=elsewhere)
    if as_json:
        output.emit_json(flow)
    else:
        output.emit(f"{output.safe(key)} is connected since {output.safe(flow.connected_at)}.")


def _fields(given: dict[str, Any], lines: Lines) -> dict[str, Any]:
    """The request's fields of the options. Raises Usage where they don't go together."""
    grant = given.pop("grant") or ""
    device, wants_secret = given.pop("device"), given.pop("client_secret_stdin")
    if device and grant:
        raise Usage("--device and --grant are two ways: give one of them")
    if wants_secret and grant == "jwt-bearer":
        raise Usage("jwt-bearer signs with a key: it has no client secret")
    fields: dict[str, Any] = {
        "grant": "device_code" if device else grant.replace("-", "_"),
        "device_authorization_url": given.pop("device_url"),
        "token_auth_method": given.pop("auth_method") or "",
        "token_format": given.pop("token_format") or "",
        "authorization_parameters": _pairs(given.pop("authorize_param"), "--authorize-param"),
        "token_parameters": _pairs(given.pop("token_param"), "--token-param"),
        "assertion": _pairs(given.pop("assertion"), "--assertion"),
        **given,
    }
    if grant == "jwt-bearer":
        fields["private_key"] = secret_input.from_stdin()
    fields["client_secret"] = client_secret(lines, wants_secret)
    return fields


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if "" in pairs or not all("=" in text for text in texts):
        raise Usage(f"{option} takes NAME=VALUE")
    return pairs


@click.command(cls=Command)
@json_option
@pass_connection
def providers(connection: Connection, as_json: bool) -> None:
    """List the providers that are known, and what to register there."""
    found = connection.send(calls.providers())
    if as_json:
        output.emit_json(found)
        return
    rows = [
        (one.id, one.name, _needed(one), "yes" if one.has_device_codes else "", one.redirect_uri)
        for one in found.providers
    ]
    output.emit_table(("ID", "NAME", "BRING", "DEVICE CODES", "REDIRECT"), rows, "No providers.")


def _needed(one: OAuthProvider) -> str:
    if not one.needs_client:
        return "nothing"
    return "client id, secret" if one.needs_secret else "client id"
