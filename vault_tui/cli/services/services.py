"""`vault-tui service …`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.service_document import parse_service
from proxy_core.domain.wire import MatchResult
from vault_tui.cli import output, secret_input
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
from vault_tui.cli.services import service_draft, service_form
from vault_tui.cli.services.auth_options import auth_options, given_auth


@click.group(cls=Group)
def service() -> None:
    """Services: which host gets which credential, and what is allowed there."""


@service.command("list")
@vault_option
@json_option
@pass_connection
def list_(connection: Connection, vault: str | None, as_json: bool) -> None:
    """List the services of a vault, in the order in which they are matched."""
    found = connection.send(calls.services(connection.vault(vault)))
    if as_json:
        output.emit_json(found)
        return
    rows = [
        (
            one.get("name"),
            one.get("host"),
            one.get("auth", {}).get("type"),
            one.get("enabled", True),
            len(one.get("rules") or ()),
            one.get("hits"),
            one.get("last_hit_at"),
        )
        for one in found.services
    ]
    headers = ("NAME", "HOST", "AUTH", "ENABLED", "RULES", "HITS", "LAST HIT")
    output.emit_table(headers, rows, f"No services in vault {output.safe(found.vault)}.")


@service.command
@click.option("--name", help="Slug; default: made from the host.")
@click.option("--host", metavar="PATTERN", help="host[:port][/path-glob]; *.host is one label.")
@auth_options
@click.option("--substitute", "substitutions", multiple=True, metavar="KEY:PLACEHOLDER[:SURFACES]")
@click.option("--rule", "rules", multiple=True, metavar="'ACTION METHODS PATH'", help="In order.")
@click.option("--from-catalog", "template", metavar="ID", help="Start from a catalog template.")
@click.option("--aws-profile", metavar="NAME", help="Sign as a profile in ~/.aws; stores its keys.")
@click.option("--allow-http", is_flag=True, help="Send the credential over plain http too.")
@click.option("--no-scrub", is_flag=True, help="Leave secrets that responses echo where they are.")
@click.option("--failover", metavar="STATUSES", help="Move pools at these: 429,529; `none`: never.")
@click.option("--capture", is_flag=True, help="Keep the tokens of agents that log in there.")
@click.option("--gateway-prefix", metavar="P", help="Serve it as a base URL: http://PROXY/P/.")
@click.option("--gateway-upstream", metavar="URL", help="Where /P/ leads; default: its host.")
@vault_option
@pass_connection
def add(connection: Connection, /, vault: str | None, template: str | None, **options: Any) -> None:
    """Add a service, or replace the one of that name."""
    document = _from_catalog(connection, template) if template else {}
    document |= _given(options)
    values: Mapping[str, str] = {}
    if options["aws_profile"]:
        values = _sign_with_profile(document, options)
    if "host" not in document or "auth" not in document:
        raise Usage("A service needs --host and --auth, or --from-catalog")
    name = connection.vault(vault)
    if values:
        parse_service(document)  # else the keys would be stored for nothing
        output.emit(f"Set {output.safe(connection.send(calls.set_credentials(values, name)).set)}.")
    done = connection.send(calls.upsert_services([document], name))
    output.emit(f"Added {output.safe(done.upserted)}.")


@service.command("set")
@click.option(
    "--file",
    "-f",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="YAML or JSON; `-` is standard input.",
)
@vault_option
@yes_option
@pass_connection
def set_(connection: Connection, file: Path, vault: str | None, yes: bool) -> None:
    """Replace all services of a vault by those of a file."""
    text = secret_input.from_stdin() if str(file) == "-" else secret_input.from_file(file)
    name = connection.vault(vault)
    documents = service_form.documents_of(text, name)
    if not documents:
        confirm(f"The file holds no services. Remove all of vault {output.safe(name)}?", yes)
    done = connection.send(calls.replace_services(documents, name))
    output.emit(f"Vault {output.safe(done.vault)} has {done.services_count} services.")


@service.command
@click.argument("name")
@vault_option
@pass_connection
def remove(connection: Connection, name: str, vault: str | None) -> None:
    """Remove a service, by name or host pattern."""
    done = connection.send(calls.remove_service(name, connection.vault(vault)))
    output.emit(f"Removed {output.safe(done.removed)} ({output.safe(done.removed_host)}).")


@service.command
@click.argument("name")
@vault_option
@pass_connection
def enable(connection: Connection, name: str, vault: str | None) -> None:
    """Switch a service on."""
    connection.send(calls.enable_service(name, True, connection.vault(vault)))
    output.emit(f"Enabled {output.safe(name)}.")


@service.command
@click.argument("name")
@vault_option
@pass_connection
def disable(connection: Connection, name: str, vault: str | None) -> None:
    """Switch a service off: its requests are refused."""
    connection.send(calls.enable_service(name, False, connection.vault(vault)))
    output.emit(f"Disabled {output.safe(name)}.")


@service.command
@vault_option
@yes_option
@pass_connection
def clear(connection: Connection, vault: str | None, yes: bool) -> None:
    """Remove every service of a vault."""
    name = connection.vault(vault)
    confirm(f"Remove all services of vault {output.safe(name)}?", yes)
    connection.send(calls.clear_services(name))
    output.emit(f"Vault {output.safe(name)} has no services.")


@service.command
@click.argument("words", nargs=-1, required=True, metavar="[METHOD] URL")
@vault_option
@json_option
@pass_connection
def test(connection: Connection, words: tuple[str, ...], vault: str | None, as_json: bool) -> None:
    """Say which service would win for a request, and why. Nothing is sent."""
    if len(words) > 2:
        raise Usage("Give [METHOD] URL")
    method = words[0].upper() if len(words) == 2 else "GET"
    found = connection.send(calls.match_test(words[-1], method, connection.vault(vault)))
    if as_json:
        output.emit_json(found)
    else:
        _show_match(found)


@service.command
@click.argument("search", required=False, default="")
@json_option
@pass_connection
def catalog(connection: Connection, search: str, as_json: bool) -> None:
    """List ready-made services; SEARCH filters by name, id or category."""
    found = connection.send(calls.service_catalog())
    wanted = search.lower()
    rows = [
        one
        for one in found.templates
        if wanted in f"{one.id} {one.name} {one.category} {one.description}".lower()
    ]
    if as_json:
        output.emit_json({"templates": rows})
        return
    output.emit_table(
        ("ID", "NAME", "CATEGORY", "HOST", "CREDENTIALS"),
        ((one.id, one.name, one.category, one.service.get("host"), one.keys) for one in rows),
        "Nothing in the catalog matches.",
    )


def _from_catalog(connection: Connection, template: str) -> dict[str, Any]:
    for one in connection.send(calls.service_catalog()).templates:
        if one.id == template:
            return dict(one.service)
    raise VaultError(
        "not_found",
        f"The catalog has no {template}.",
        {"help": "`vault-tui service catalog` lists what it has."},
    )


def _sign_with_profile(document: dict[str, Any], options: Mapping[str, Any]) -> Mapping[str, str]:
    """Let the document's service sign with a profile of AWS' tools; the keys to store.

    Raises Usage; VaultError as `read_profile`; OSError.
    """
    from vault_tui.cli.vaults.aws_profiles import read_profile

    if given_auth(options) is not None:
        raise Usage("--aws-profile says how requests are signed: leave --auth out")
    profile = read_profile(options["aws_profile"])
    document["auth"] = {**profile.auth}
    return profile.values


service.add_command(service_draft.hosts)
service.add_command(service_draft.draft)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The document's fields that the options set."""
    document = {name: options[name] for name in ("name", "host") if options[name]}
    auth = given_auth(options)
    if auth is not None:
        document["auth"] = auth
    if options["substitutions"]:
        document["substitutions"] = [*map(service_form.substitution, options["substitutions"])]
    if options["rules"]:
        document["rules"] = [*map(service_form.rule, options["rules"])]
    if options["allow_http"]:
        document["allow_http"] = True
    if options["no_scrub"]:
        document["scrub"] = False
    if options["capture"]:
        document["capture"] = True
    if options["failover"]:
        document["failover"] = service_form.statuses(options["failover"])
    if options["gateway_prefix"] or options["gateway_upstream"]:
        prefix, upstream = options["gateway_prefix"], options["gateway_upstream"]
        document["gateway"] = service_form.gateway(prefix, upstream)
    return document


def _answer_of(found: MatchResult) -> str:
    if found.error_code:
        return found.error_code
    if found.decision == "captured":
        return "what the vault says in the endpoint's place"
    answer = "the upstream's answer"
    if found.decision == "held":
        return f"{answer} once it is allowed; else approval_denied or approval_timeout"
    return answer


def _show_match(found: MatchResult) -> None:
    output.emit_fields(
        [
            ("service", found.service or "none"),
            ("decision", found.decision),
            ("why", found.reason),
            ("credentials", found.credential_keys),
            ("missing", found.missing_credentials),
            ("answered with", _answer_of(found)),
        ]
    )
    if found.candidates:
        output.emit("")
        rows = [
            ("*" if one.name == found.service else " ", one.name, one.host, one.reason)
            for one in found.candidates
        ]
        output.emit_table(("", "SERVICE", "HOST", "WHY"), rows, "")
