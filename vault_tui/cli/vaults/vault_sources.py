"""`vault-tui vault source …`: a vault whose credentials come from an external store."""

import click

from proxy_core.client import calls
from proxy_core.domain.wire import SetSource, SourceInfo
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option


@click.group(cls=Group)
def source() -> None:
    """The external store that backs a vault."""


@source.command("set")
@click.argument("vault")
@click.option(
    "--type",
    "type_",
    type=click.Choice(["hashicorp", "infisical"]),
    required=True,
    help="Its kind.",
)
@click.option("--url", required=True, metavar="URL", help="Such as https://vault.example.com:8200.")
@click.option(
    "--path",
    default="/",
    metavar="PATH",
    help="MOUNT/PATH of a KV v2 secret, or Infisical's folder; / unless given.",
)
@click.option("--mount", default="", metavar="PATH", help="The KV engine's, if it has slashes.")
@click.option("--namespace", default="", metavar="NAME", help="The store's namespace.")
@click.option("--role-id", default="", metavar="ID", help="Use AppRole; else a token is asked for.")
@click.option("--project", default="", metavar="ID", help="Infisical's project.")
@click.option("--environment", default="", metavar="SLUG", help="Infisical's environment.")
@click.option("--client-id", default="", metavar="ID", help="Infisical's machine identity.")
@click.option(
    "--imports/--no-imports",
    default=True,
    show_default=True,
    help="What Infisical's folder imports, too. Its own secrets come first, then the last import.",
)
@click.option("--recursive", is_flag=True, help="The folders below Infisical's folder, too.")
@click.option(
    "--interval", default=60, show_default=True, metavar="S", help="Seconds between polls."
)
@json_option
@pass_connection
def set_(
    connection: Connection,
    vault: str,
    type_: str,
    url: str,
    path: str,
    mount: str,
    namespace: str,
    role_id: str,
    project: str,
    environment: str,
    client_id: str,
    imports: bool,
    recursive: bool,
    interval: int,
    as_json: bool,
) -> None:
    """Let an external store back an empty vault, read-only.

    The token, AppRole's secret id or the client's secret is asked for without echo or read from
    standard input.
    """
    field = "client_secret" if type_ == "infisical" else "secret_id" if role_id else "token"
    secret = secret_input.prompt_or_stdin(field.replace("_", " ").capitalize())
    asked = SetSource(
        type=type_,
        url=url,
        path=path,
        mount=mount,
        namespace=namespace,
        role_id=role_id,
        project=project,
        environment=environment,
        client_id=client_id,
        imports=imports,
        recursive=recursive,
        interval_seconds=interval,
        **{field: secret},
    )
    _print(connection.send(calls.set_source(vault, asked)), as_json)


@source.command
@click.argument("vault")
@json_option
@pass_connection
def show(connection: Connection, vault: str, as_json: bool) -> None:
    """Show where a vault's credentials come from, and how reading them goes."""
    _print(connection.send(calls.source(vault)), as_json)


@source.command
@click.argument("vault")
@json_option
@pass_connection
def poll(connection: Connection, vault: str, as_json: bool) -> None:
    """Read the store now; the next time is its interval later."""
    _print(connection.send(calls.poll_source(vault)), as_json)


@source.command
@click.argument("vault")
@yes_option
@pass_connection
def remove(connection: Connection, vault: str, yes: bool) -> None:
    """Read the store no more; the credentials stay, as the vault's own."""
    confirm(f"Let vault {output.safe(vault)} keep its credentials by itself?", yes)
    done = connection.send(calls.remove_source(vault))
    output.emit(f"Vault {output.safe(done.name)} has no external store any more.")


def _print(found: SourceInfo, as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
        return
    output.emit_fields(
        [
            ("vault", found.vault),
            ("type", found.type),
            ("place", found.place),
            ("state", found.state),
            ("read every", f"{found.interval_seconds} s"),
            ("last read", found.last_sync_at),
            ("last error", found.last_error),
            ("skipped", found.skipped),
        ]
    )
