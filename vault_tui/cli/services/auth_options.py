"""`service add`'s options that say how a credential is attached, and the `auth` they stand for.

Credentials are named by key, never by value.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import click

from vault_tui.cli.failures import Usage

Command = TypeVar("Command", bound=Callable[..., object])


class Option(NamedTuple):
    """`field` is the document's; `key`: it names a credential; `number`: it is a whole one."""

    field: str
    help: str
    key: bool = True
    number: bool = False


OPTIONS: Final[Mapping[str, Option]] = {
    "token": Option("token", "bearer: credential key."),
    "username": Option("username", "basic: credential key."),
    "password": Option("password", "basic: credential key."),
    "key": Option("key", "api-key, azure: credential key; gcp: that of a key file."),
    "prefix": Option("prefix", "api-key: text before the value.", key=False),
    "access-key-id": Option("access_key_id", "aws-sigv4: credential key."),
    "secret-access-key": Option("secret_access_key", "aws-sigv4: credential key."),
    "session-token": Option("session_token", "aws-sigv4: credential key, for temporary keys."),
    "region": Option("region", "aws-sigv4: where the host doesn't tell.", key=False),
    "aws-service": Option("service", "aws-sigv4: where the host doesn't tell.", key=False),
    "role-arn": Option("role_arn", "aws-sigv4: the role to sign as.", key=False),
    "external-id": Option("external_id", "aws-sigv4: what the role's owner asks for.", key=False),
    "session-name": Option("session_name", "aws-sigv4: the role's session.", key=False),
    "duration": Option("duration", "aws-sigv4: its seconds.", key=False, number=True),
    "scope": Option("scope", "gcp, azure: if not the usual one.", key=False),
    "tenant": Option("tenant", "azure: Entra ID's, in the place of a key.", key=False),
    "client-id": Option("client_id", "azure: the application's.", key=False),
    "client-secret": Option("client_secret", "azure: credential key."),
    "app-id": Option("app_id", "github-app: the app's id or client id.", key=False),
    "installation-id": Option("installation_id", "github-app: which installation.", key=False),
    "private-key": Option("private_key", "github-app: credential key, its PEM file."),
}


class Takes(NamedTuple):
    """The options that an auth type needs, and those that it may have."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


TYPES: Final[Mapping[str, Takes]] = {
    "bearer": Takes(("token",)),
    "basic": Takes(("username",), ("password",)),
    "api-key": Takes(("key",), ("header", "prefix")),
    "custom": Takes(("header",)),
    "passthrough": Takes(),
    "aws-sigv4": Takes(
        ("access-key-id", "secret-access-key"),
        (
            "session-token",
            "region",
            "aws-service",
            "role-arn",
            "external-id",
            "session-name",
            "duration",
        ),
    ),
    "gcp": Takes(("key",), ("scope",)),
    "azure": Takes((), ("key", "tenant", "client-id", "client-secret", "scope")),
    "github-app": Takes(("app-id", "installation-id", "private-key")),
}


def auth_options(command: Command) -> Command:
    """Give a command the options."""
    command = click.option(
        "--header", "headers", multiple=True, help="api-key: name; custom: 'H: {{ KEY }}'."
    )(command)
    for name, option in reversed(list(OPTIONS.items())):
        metavar = "KEY" if option.key else None
        type_ = int if option.number else str
        command = click.option(f"--{name}", type=type_, metavar=metavar, help=option.help)(command)
    types = click.Choice(list(TYPES))
    return click.option("--auth", type=types, help="How the credential is attached.")(command)


def given_auth(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `auth` that a command's options stand for; None: none was given. Raises Usage."""
    values = {name: options[name.replace("-", "_")] for name in OPTIONS}
    given = {name: value for name, value in values.items() if value is not None}
    if options["auth"]:
        return auth_document(options["auth"], given, options["headers"])
    if given or options["headers"]:
        raise Usage("Credential options need --auth")
    return None


def auth_document(
    kind: str, given: Mapping[str, str | int], headers: Sequence[str] = ()
) -> dict[str, Any]:
    """The `auth` object. Raises Usage for an option that the type does not take, or lacks."""
    names = [*given, *(["header"] if headers else [])]
    takes = TYPES[kind]
    for name in names:
        if name not in takes.needs + takes.may:
            raise Usage(f"--auth {kind} does not take --{name}")
    for name in takes.needs:
        if name not in names:
            raise Usage(f"--auth {kind} needs --{name}")
    fields: dict[str, Any] = {OPTIONS[name].field: value for name, value in given.items()}
    if kind == "custom":
        fields["headers"] = dict(map(_header, headers))
    elif headers:
        if len(headers) > 1:
            raise Usage("--auth api-key takes one --header")
        fields["header"] = headers[0]
    return {"type": kind, **fields}


def _header(text: str) -> tuple[str, str]:
    name, colon, template = text.partition(":")
    if not colon or not name.strip():
        raise Usage("--auth custom takes --header 'NAME: {{ KEY }}'")
    return name.strip(), template.strip()
