"""`vault-tui service hosts` and `service draft`: from a host that was seen to a service."""

from typing import Any

import click

from proxy_core.client import calls
from proxy_core.domain.drafts import Draft
from proxy_core.domain.hosts import split_port
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option
from vault_tui.cli.services import service_form
from vault_tui.drafting import drafted, requests_to

_AUTH = {"type": "bearer", "token": "NAME_OF_A_CREDENTIAL"}


@click.command(cls=Command)
@vault_option
@json_option
@pass_connection
def hosts(connection: Connection, vault: str | None, as_json: bool) -> None:
    """List the hosts that agents reached without a service."""
    name = connection.vault(vault)
    found = connection.send(calls.discovered_hosts(name))
    if as_json:
        output.emit_json(found)
        return
    rows = [(one.host, one.port, one.requests, one.last_seen_at) for one in found.hosts]
    none = f"None in vault {output.safe(name)}."
    output.emit_table(("HOST", "PORT", "REQUESTS", "LAST SEEN"), rows, none)


@click.command(cls=Command)
@click.argument("host", metavar="HOST[:PORT]")
@click.option("--edit", is_flag=True, help="In your editor; what you save is stored.")
@vault_option
@pass_connection
def draft(connection: Connection, host: str, edit: bool, vault: str | None) -> None:
    """Draft a service for a host, from the catalog or from what was asked of it.

    The draft is printed as YAML, or opened in $EDITOR and stored when it is saved.
    """
    name = connection.vault(vault)
    bare, port = split_port(host)
    page = connection.send(requests_to(bare, name))
    catalog = connection.send(calls.service_catalog())
    made, count = drafted(bare, port or 0, catalog, page)
    text = _text(made, count)
    if not edit:
        output.emit(text.rstrip())
        return
    edited = click.edit(text, extension=".yaml")
    if edited is None:
        output.emit("Not saved: nothing is stored.")
        return
    documents = service_form.documents_of(edited)
    done = connection.send(calls.upsert_services(documents, name))
    output.emit(f"Stored {output.safe(done.upserted)}.")


def _text(made: Draft, count: int) -> str:
    """YAML with comments that say where it comes from."""
    import yaml

    document: dict[str, Any] = {**made.document}
    document.setdefault("auth", _AUTH)
    seen = f"# seen lately: {count} requests, {output.safe(made.methods) or 'none'}\n"
    known = ""
    if made.template is not None:
        template = made.template
        known = f"# from the catalog: {template.name}\n# {' '.join(template.obtain.split())}\n"
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=False)
    return known + seen + body
