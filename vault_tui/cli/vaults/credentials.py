"""`vault-tui credential …`: values go in by prompt, stream or file and come out on `--reveal`."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.wire import CredentialList
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import (
    Group,
    confirm,
    json_option,
    pass_connection,
    vault_option,
    yes_option,
)
from vault_tui.cli.vaults.command_credentials import COMMANDS
from vault_tui.cli.vaults.oauth import oauth

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group(cls=Group)
def credential() -> None:
    """Credentials: what the proxy attaches, and agents never see."""


credential.add_command(oauth)
for _command in COMMANDS:
    credential.add_command(_command)


@credential.command("list")
@click.option("--reveal", is_flag=True, help="Show the values.")
@vault_option
@json_option
@pass_connection
def list_(connection: Connection, reveal: bool, vault: str | None, as_json: bool) -> None:
    """List the credentials of a vault."""
    name = connection.vault(vault)
    found = connection.send(calls.credentials(name, reveal=reveal))
    if as_json:
        output.emit_json(found)
        return
    headers, table = _columns(found, reveal)
    output.emit_table(headers, table, f"No credentials in vault {output.safe(name)}.")


@credential.command
@click.argument("key")
@click.option("--reveal", is_flag=True, help="Print the value, and nothing else.")
@vault_option
@json_option
@pass_connection
def get(connection: Connection, key: str, reveal: bool, vault: str | None, as_json: bool) -> None:
    """Show one credential's metadata, or with --reveal its value alone."""
    name = connection.vault(vault)
    found = connection.send(calls.credentials(name, reveal=reveal, key=key))
    one = next((item for item in found.credentials or () if item.key == key), None)
    if one is None:
        raise VaultError("not_found", f"There is no credential {key} in vault {name}.")
    if as_json:
        output.emit_json(one)
    elif reveal:
        # The one place where text goes out unchanged: scripts need the value as it is.
        output.emit(one.value or "")
    else:
        output.emit_fields(
            [
                ("key", one.key),
                ("type", one.type),
                ("version", one.version),
                ("state", one.state),
                ("command", shlex.join(one.command)),
                ("expires", one.expires_at),
                ("next refresh", one.next_refresh_at),
                ("last error", one.last_error),
                ("created", one.created_at),
                ("updated", one.updated_at),
                ("last used", one.last_used_at),
                ("used by", one.used_by),
            ]
        )


@credential.command("set")
@click.argument("entries", nargs=-1, metavar="KEY[=VALUE]…")
@click.option("--file", "files", multiple=True, metavar="KEY=PATH", help="Value from a file.")
@vault_option
@pass_connection
def set_(
    connection: Connection, entries: Sequence[str], files: Sequence[str], vault: str | None
) -> None:
    """Store credentials, all or none.

    KEY alone asks without echo, or reads standard input. KEY=VALUE is for values that are no
    secret: other users of this machine may see arguments.
    """
    values = given_values(entries)
    for entry in files:
        key, path = _split(entry, "--file takes KEY=PATH")
        values[key] = secret_input.from_file(Path(path))
    if not values:
        raise Usage("Name at least one credential: vault-tui credential set KEY")
    done = connection.send(calls.set_credentials(values, connection.vault(vault)))
    output.emit(f"Set {output.safe(done.set)}.")


@credential.command
@click.argument("keys", nargs=-1, required=True, metavar="KEY…")
@vault_option
@yes_option
@pass_connection
def delete(connection: Connection, keys: Sequence[str], vault: str | None, yes: bool) -> None:
    """Delete credentials with their old values."""
    name = connection.vault(vault)
    broken = {
        service.name
        for key in keys
        for service in connection.send(calls.credential_usage(key, name)).services
    }
    if broken:
        confirm(f"Services {output.safe(sorted(broken))} will fail. Delete anyway?", yes)
    done = connection.send(calls.delete_credentials(keys, name))
    output.emit(f"Deleted {output.safe(done.deleted)}.")


@credential.command
@click.argument("key")
@vault_option
@json_option
@pass_connection
def history(connection: Connection, key: str, vault: str | None, as_json: bool) -> None:
    """List the versions that are kept, newest first."""
    found = connection.send(calls.credential_versions(key, connection.vault(vault)))
    if as_json:
        output.emit_json(found)
        return
    rows = [
        (one.version, one.created_at, "current" if one.current else "") for one in found.versions
    ]
    output.emit_table(("VERSION", "CREATED", ""), rows, "No versions.")


@credential.command
@click.argument("key")
@click.argument("version", type=click.IntRange(1))
@vault_option
@pass_connection
def restore(connection: Connection, key: str, version: int, vault: str | None) -> None:
    """Make an old value the current one; it becomes a new version."""
    connection.send(calls.restore_credential(key, version, connection.vault(vault)))
    output.emit(f"Restored version {version} of {output.safe(key)}.")


@credential.command("import")
@click.argument("file", type=_FILE, required=False)
@click.option("--aws-profile", metavar="NAME", help="The keys of a profile in ~/.aws instead.")
@vault_option
@pass_connection
def import_(
    connection: Connection, file: Path | None, aws_profile: str | None, vault: str | None
) -> None:
    """Store every KEY=VALUE of a .env file (`-`: standard input), all or none; prints keys only."""
    if file is not None and aws_profile is None:
        values: Mapping[str, str] = _values_of(file)
    elif aws_profile is not None and file is None:
        values = _values_of_profile(aws_profile)
    else:
        raise Usage("Name a FILE, or an --aws-profile")
    done = connection.send(calls.set_credentials(values, connection.vault(vault)))
    for key in done.set:
        output.emit(output.safe(key))


def _values_of_profile(name: str) -> Mapping[str, str]:
    """The keys that it signs with. Raises VaultError as `read_profile`; OSError."""
    from vault_tui.cli.vaults.aws_profiles import read_profile

    profile = read_profile(name)
    if role := profile.auth.get("role_arn"):
        say(
            f"The profile signs as {output.safe(role)}, with these keys: "
            "`vault-tui service add --aws-profile` makes a service that does."
        )
    return profile.values


def _values_of(file: Path) -> dict[str, str]:
    """What a .env file holds. Raises VaultError bad_request, Usage; OSError."""
    from vault_tui.cli.vaults.dotenv import parse_dotenv

    text = secret_input.from_stdin() if str(file) == "-" else secret_input.from_file(file)
    values = parse_dotenv(text)
    for key in values:
        check_credential_key(key)
    if not values:
        raise Usage(f"{output.safe(file)} holds no credentials")
    return values


def _columns(found: CredentialList, reveal: bool) -> tuple[list[str], list[list[object]]]:
    if found.credentials is None:  # an agent learns the names alone
        return ["KEY"], [[key] for key in found.keys]
    if reveal:
        return ["KEY", "VALUE"], [[one.key, one.value] for one in found.credentials]
    headers = ["KEY", "TYPE", "VERSION", "UPDATED", "LAST USED", "USED BY", "EXPIRES", "STATE"]
    return headers, [
        [
            one.key,
            one.type,
            one.version,
            one.updated_at,
            one.last_used_at,
            one.used_by,
            one.expires_at,
            one.state,
        ]
        for one in found.credentials
    ]


def given_values(entries: Sequence[str]) -> dict[str, str]:
    """Values of `KEY=VALUE`, and for `KEY` alone from a prompt or standard input.

    Raises Usage, where one input would have to hold several values.
    """
    bare = [entry for entry in entries if "=" not in entry]
    if len(bare) > 1 and not sys.stdin.isatty():
        raise Usage("Standard input holds one value: name one KEY, or use credential import")
    values = {}
    for entry in entries:
        key, has_value, value = entry.partition("=")
        check_credential_key(key)
        values[key] = value if has_value else secret_input.prompt_or_stdin(f"Value of {key}")
    return values


def _split(entry: str, otherwise: str) -> tuple[str, str]:
    key, equals, path = entry.partition("=")
    if not equals or not path:
        raise Usage(otherwise)
    check_credential_key(key)
    return key, path
