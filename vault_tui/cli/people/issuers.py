"""`vault-tui issuer …`."""

import sys
from collections.abc import Mapping
from typing import Final, Literal

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import AddIssuer, IssuerRule, IssuerTested
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option

_name = click.argument("name", metavar="NAME")
_BY_CLAIM: Final[Mapping[str, Literal["email", "name"]]] = {
    "user-by-email": "email",
    "user-by-name": "name",
}


@click.group(cls=Group)
def issuer() -> None:
    """Whose JWTs count wherever an agent's token does, or a user's.

    A rule says whom a token stands for: `CLAIM=VALUE -> agent:NAME`, or `CLAIM~PATTERN ->
    vault:NAME[:ROLE[:SERVICE,…]]`, where `*` in a pattern stands for any characters. The first
    rule that fits decides.

    For a person: `-> user:NAME`, or `email~PATTERN -> user-by-email` (whoever has that address,
    which the issuer must have verified), or `CLAIM~PATTERN -> user-by-name`. `:no-access` or
    `:member` behind it is the highest instance role that the user then has.
    """


@issuer.command("list")
@json_option
@pass_connection
def list_issuers(connection: Connection, as_json: bool) -> None:
    """List the trusted issuers with their rules."""
    found = connection.send(calls.issuers())
    if as_json:
        output.emit_json(found)
        return
    rows = (
        (one.name, one.url, one.audiences, rule_text(rule), len(one.keys), one.keys_fetched_at)
        for one in found.issuers
        for rule in one.rules
    )
    heads = ("NAME", "URL", "AUDIENCE", "RULE", "KEYS", "FETCHED")
    output.emit_table(heads, rows, "No issuer is trusted.")
    for one in found.issuers:
        if one.problem:
            output.emit(f"{output.safe(one.name)}: {output.safe(one.problem)}")


@issuer.command
@_name
@click.argument("url", metavar="URL")
@click.option(
    "--audience", "audiences", multiple=True, required=True, help="Whom its tokens are for."
)
@click.option("--rule", "rules", multiple=True, required=True, help="Whom a token stands for.")
@click.option(
    "--algorithm", "algorithms", multiple=True, help="Default: RS256, PS256, ES256 and EdDSA."
)
@click.option("--jwks-url", default="", help="Its keys, where no metadata says where they are.")
@click.option("--replace", is_flag=True, help="Put this in place of the issuer of that name.")
@json_option
@pass_connection
def add(
    connection: Connection,
    name: str,
    url: str,
    audiences: tuple[str, ...],
    rules: tuple[str, ...],
    algorithms: tuple[str, ...],
    jwks_url: str,
    replace: bool,
    as_json: bool,
) -> None:
    """Trust an issuer. URL is what its tokens say as `iss`, to the letter."""
    wanted = AddIssuer(
        name=name,
        url=url,
        audiences=list(audiences),
        rules=[parse_rule(rule) for rule in rules],
        algorithms=list(algorithms),
        jwks_url=jwks_url,
    )
    call = calls.replace_issuer(wanted) if replace else calls.add_issuer(wanted)
    found = connection.send(call)
    if as_json:
        output.emit_json(found)
        return
    output.emit(f"Trusted: {output.safe(found.name)} ({output.safe(found.url)})")
    output.emit(f"`vault-tui issuer test {output.safe(found.name)}` fetches its keys.")


@issuer.command
@_name
@yes_option
@pass_connection
def remove(connection: Connection, name: str, yes: bool) -> None:
    """Trust it no more; its tokens' connections end at once."""
    confirm(f"Trust issuer {output.safe(name)} no more?", yes)
    connection.send(calls.remove_issuer(name))
    output.emit(f"Removed {output.safe(name)}.")


@issuer.command
@_name
@click.option("--token-stdin", is_flag=True, help="Judge the JWT on standard input.")
@json_option
@pass_connection
def test(connection: Connection, name: str, token_stdin: bool, as_json: bool) -> None:
    """Fetch its keys, and say whom a token would stand for, or why nobody."""
    if token_stdin and sys.stdin.isatty():
        token = secret_input.prompt("JWT")
    else:
        token = secret_input.from_stdin() if token_stdin else ""
    found = connection.send(calls.try_issuer(name, token))
    if as_json:
        output.emit_json(found)
    else:
        _show_test(found)
    if found.problem:
        raise VaultError("issuer_unreachable" if not found.keys else "unauthorized", found.problem)


def parse_rule(text: str) -> IssuerRule:
    """`CLAIM=VALUE -> agent:NAME` and its like. Raises Usage."""
    condition, arrow, target = (part.strip() for part in text.rpartition("->"))
    sign = min((one for one in "=~" if one in condition), key=condition.index, default="")
    claim, _, value = condition.partition(sign) if sign else ("", "", "")
    rule = IssuerRule(claim=claim.strip())
    if not (arrow and rule.claim and value and _lead(rule, *target.split(":"))):
        raise Usage(
            f"rule {text!r}: write CLAIM=VALUE -> agent:NAME, CLAIM~PATTERN -> vault:NAME, "
            "or email~PATTERN -> user-by-email"
        )
    setattr(rule, "equals" if sign == "=" else "matches", value.strip())
    return rule


def _lead(rule: IssuerRule, kind: str, *rest: str) -> bool:
    """Set whom the rule leads to; whether that was said as it should be."""
    if kind in _BY_CLAIM and len(rest) <= 1:
        rule.user_by, rule.at_most = _BY_CLAIM[kind], "".join(rest)
        return True
    name, *more = rest or ("",)
    if kind == "agent":
        rule.agent = ":".join(rest)
    elif kind == "user" and len(more) <= 1:
        rule.user, rule.at_most = name, "".join(more)
    elif kind == "vault":
        rule.vault, rule.role = name, "".join(more[:1]) or "proxy"
        rule.services = [one.strip() for one in ":".join(more[1:]).split(",")] if more[1:] else []
    else:
        return False
    return bool(name)


def rule_text(rule: IssuerRule) -> str:
    """The inverse of `parse_rule`; whom it leads to may have been deleted."""
    condition = f"{rule.claim}={rule.equals}" if rule.equals else f"{rule.claim}~{rule.matches}"
    return f"{condition} -> {_target(rule)}"


def _target(rule: IssuerRule) -> str:
    at_most = f":{rule.at_most}" if rule.at_most else ""
    if rule.user_by:
        return f"user-by-{rule.user_by}{at_most}"
    if rule.user:
        return f"user:{rule.user}{at_most}"
    if rule.agent:
        return f"agent:{rule.agent}"
    if not rule.vault:
        return "(deleted)"
    services = f":{','.join(rule.services)}" if rule.services else ""
    return f"vault:{rule.vault}:{rule.role}{services}"


def _show_test(found: IssuerTested) -> None:
    output.emit(f"Keys: {output.safe(', '.join(found.keys)) or 'none'}")
    if found.actor:
        roles = ", ".join(f"{vault} ({role})" for vault, role in found.vaults.items()) or "nothing"
        who = f"{found.actor} ({found.role})" if found.role else found.actor
        output.emit(f"The token stands for {output.safe(who)}, for {output.safe(roles)}")
        output.emit(f"until {output.safe(found.expires_at)}.")
