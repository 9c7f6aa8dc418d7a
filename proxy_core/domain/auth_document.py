"""The `auth` block of a service document: each type has exactly its own fields."""

import re
from collections.abc import Callable
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_role import ROLE_FIELDS, role_fields
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.names import is_credential_key
from proxy_core.domain.service import Auth, AuthType
from proxy_core.domain.templates import parse_template, template_keys

DEFAULT_HEADER = "Authorization"
MAX_TEMPLATE = 4096

# The fields that name a credential, apart from templates.
KEY_FIELDS = (
    "token",
    "username",
    "password",
    "key",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "client_secret",
    "private_key",
)
_AWS_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_IDENTITY = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SCOPE = re.compile(r"(?=.{1,500}\Z)[!-~]+( [!-~]+)*", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
# These frame the message or concern one connection: a credential in them could split a request.
_RESERVED_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "x-vault",
        "via",
        "max-forwards",
        "sec-websocket-extensions",
    }
)


def parse_auth(value: object, where: str) -> Auth:
    """The auth of a document's `auth` block. Raises VaultError bad_request."""
    fields = Fields(value, where)
    name = fields.text("type")
    try:
        kind = AuthType(name)
    except ValueError:
        choices = ", ".join(AuthType)
        raise invalid(where, f"unsupported type {quoted(name)} (supported: {choices})") from None
    allowed, parse = _PARSERS[kind]
    fields.only(("type", *allowed))
    return parse(fields)


def auth_document(auth: Auth) -> dict[str, Any]:
    """The block of an auth; fields that the type does not use are left out."""
    block: dict[str, Any] = {"type": str(auth.type)}
    for name in _PARSERS[auth.type][0]:
        value = getattr(auth, name)
        if value:
            block[name] = dict(value) if name == "headers" else value
    return block


def auth_keys(auth: Auth) -> list[str]:
    """The credential keys that an auth names, in order, possibly twice."""
    keys = [key for name in KEY_FIELDS if (key := getattr(auth, name))]
    for _, template in auth.headers:
        keys += template_keys(template)
    return keys


def check_key(key: str, where: str) -> str:
    """Return `key` if it can name a credential. Raises VaultError bad_request."""
    if is_credential_key(key):
        return key
    raise invalid(
        where,
        f"{quoted(key)} must be the UPPER_SNAKE_CASE name of a credential (for example "
        "STRIPE_KEY), not its value",
    )


def _key(fields: Fields, name: str) -> str:
    return check_key(fields.text(name), f"{fields.where}.{name}")


def _bearer(fields: Fields) -> Auth:
    return Auth(AuthType.BEARER, token=_key(fields, "token"))


def _basic(fields: Fields) -> Auth:
    password = fields.get("password", str, "")
    if password:
        check_key(password, f"{fields.where}.password")
    return Auth(AuthType.BASIC, username=_key(fields, "username"), password=password)


def _api_key(fields: Fields) -> Auth:
    header = fields.get("header", str, "") or DEFAULT_HEADER
    prefix = fields.get("prefix", str, "")
    if "{{" in prefix or "}}" in prefix:
        raise invalid(fields.where, "prefix is plain text; use type custom for templates")
    _check_template(prefix, f"{fields.where}.prefix")
    _check_header_name(header, f"{fields.where}.header")
    return Auth(AuthType.API_KEY, key=_key(fields, "key"), header=header, prefix=prefix)


def _custom(fields: Fields) -> Auth:
    headers = fields.mapping("headers")
    if not headers:
        raise invalid(fields.where, "headers is required for custom auth: at least one header")
    where = f"{fields.where}.headers"
    seen: set[str] = set()
    for name, template in headers.items():
        if not isinstance(name, str) or not isinstance(template, str):
            raise invalid(where, f"{quoted(name)} must be a text with a text as template")
        _check_header_name(name, where)
        _check_template(template, f"{where}.{name}")
        if name.lower() in seen:
            raise invalid(where, f"header {quoted(name)} is named twice")
        seen.add(name.lower())
    return Auth(AuthType.CUSTOM, headers=tuple(headers.items()))


def _passthrough(_fields: Fields) -> Auth:
    return Auth(AuthType.PASSTHROUGH)


def _aws(fields: Fields) -> Auth:
    session_token = fields.get("session_token", str, "")
    if session_token:
        check_key(session_token, f"{fields.where}.session_token")
    return Auth(
        AuthType.AWS_SIGV4,
        access_key_id=_key(fields, "access_key_id"),
        secret_access_key=_key(fields, "secret_access_key"),
        session_token=session_token,
        region=_aws_name(fields, "region"),
        service=_aws_name(fields, "service"),
        **role_fields(fields),
    )


def _aws_name(fields: Fields, name: str) -> str:
    value = fields.get(name, str, "")
    if value and not _AWS_NAME.fullmatch(value):
        raise invalid(f"{fields.where}.{name}", f"{quoted(value)} is no AWS {name}")
    return value


def _gcp(fields: Fields) -> Auth:
    return Auth(AuthType.GCP, key=_key(fields, "key"), scope=_scope(fields))


def _azure(fields: Fields) -> Auth:
    if "key" in fields:
        fields.only(("type", "key"))
        return Auth(AuthType.AZURE, key=_key(fields, "key"))
    if "client_secret" not in fields:
        raise invalid(fields.where, "azure needs a key, or tenant, client_id and client_secret")
    return Auth(
        AuthType.AZURE,
        tenant=_identity(fields, "tenant"),
        client_id=_identity(fields, "client_id"),
        client_secret=_key(fields, "client_secret"),
        scope=_scope(fields),
    )


def _scope(fields: Fields) -> str:
    value = fields.get("scope", str, "")
    if value and not _SCOPE.fullmatch(value):
        raise invalid(f"{fields.where}.scope", "must be visible ASCII, with single blanks between")
    return value


def _github_app(fields: Fields) -> Auth:
    return Auth(
        AuthType.GITHUB_APP,
        app_id=_identity(fields, "app_id"),
        installation_id=_identity(fields, "installation_id"),
        private_key=_key(fields, "private_key"),
    )


def _identity(fields: Fields, name: str) -> str:
    value = fields.text(name)
    if not _IDENTITY.fullmatch(value):
        raise invalid(f"{fields.where}.{name}", f"{quoted(value)} is no {name}")
    return value


def _check_header_name(name: str, where: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise invalid(where, f"header name {quoted(name)} may hold letters, digits and hyphens")
    if name.lower() in _RESERVED_HEADERS or name.lower().startswith("proxy-"):
        raise invalid(where, f"header {name} belongs to the connection and cannot be injected")


def _check_template(template: str, where: str) -> None:
    if len(template) > MAX_TEMPLATE:
        raise invalid(where, f"is longer than {MAX_TEMPLATE} characters")
    try:
        parse_template(template)
    except VaultError as error:
        raise invalid(where, error.detail) from None


_PARSERS: dict[AuthType, tuple[tuple[str, ...], Callable[[Fields], Auth]]] = {
    AuthType.BEARER: (("token",), _bearer),
    AuthType.BASIC: (("username", "password"), _basic),
    AuthType.API_KEY: (("key", "header", "prefix"), _api_key),
    AuthType.CUSTOM: (("headers",), _custom),
    AuthType.PASSTHROUGH: ((), _passthrough),
    AuthType.AWS_SIGV4: (
        (
            "access_key_id",
            "secret_access_key",
            "session_token",
            "region",
            "service",
            *ROLE_FIELDS,
        ),
        _aws,
    ),
    AuthType.GCP: (("key", "scope"), _gcp),
    AuthType.AZURE: (("key", "tenant", "client_id", "client_secret", "scope"), _azure),
    AuthType.GITHUB_APP: (("app_id", "installation_id", "private_key"), _github_app),
}
