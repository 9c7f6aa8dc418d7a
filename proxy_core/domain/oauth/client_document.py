"""The client configuration as a document, for the API, the command line and the store."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.oauth.client import (
    DEFAULT_CALLBACK_HOST,
    DEFAULT_CALLBACK_PATH,
    AuthMethod,
    GrantKind,
    OAuthClient,
    TokenFormat,
)
from proxy_core.domain.oauth.presets import preset
from proxy_core.domain.oauth.replies import is_scope, scopes_of
from proxy_core.domain.oauth.urls import check_endpoint_url

MAX_TEXT = 512

_Choice = TypeVar("_Choice", bound=StrEnum)

_SHORT_METHODS = {"post": AuthMethod.POST, "basic": AuthMethod.BASIC}
_URLS = (
    "token_url",
    "authorization_url",
    "device_authorization_url",
    "revocation_url",
    "issuer",
    "manual_redirect_uri",
)
_MAPPINGS = ("authorization_parameters", "token_parameters", "assertion")
_FIELDS = (
    "provider",
    *_URLS,
    "client_id",
    "token_auth_method",
    "token_format",
    "scopes",
    "scope_separator",
    "disable_pkce",
    "grant",
    *_MAPPINGS,
    "callback_host",
    "callback_port",
    "callback_path",
    "send_state",
)
_ASSERTION = frozenset(("issuer", "subject", "audience", "key_id"))
# What the protocol itself sets, and what is secret: no extra parameter may take its place.
_SECRET = frozenset(
    (
        *("client_secret", "client_assertion", "code_verifier", "refresh_token", "device_code"),
        *("assertion", "username", "password"),
    )
)
_IN_URL = _SECRET | frozenset(
    (
        *("response_type", "client_id", "redirect_uri", "scope", "state"),
        *("code_challenge", "code_challenge_method"),
    )
)
# Request objects (RFC 9101) speak for all parameters beside them.
_NOT_IN_QUERY = _IN_URL | {"request", "request_uri"}
_IN_BODY = _SECRET | frozenset(("client_id", "redirect_uri", "scope", "state", "code"))


def parse_client(
    document: Mapping[str, Any],
    allow_http_loopback: bool = False,
    has_secret: bool | None = None,
) -> OAuthClient:
    """A client from its document. Fields left out come from the preset that `provider` names.

    URLs must be https; with `allow_http_loopback` also http to a loopback address. `has_secret`,
    where the caller knows it, settles a `token_auth_method` that the document leaves out: none
    without a secret; with one what the preset says, else basic, which every server must take.
    Raises VaultError bad_request.
    """
    given = Fields(document, "oauth")
    given.only(_FIELDS)
    fields = Fields({**_defaults(given), **_given(document)}, "oauth")
    grant = _choice(fields, "grant", GrantKind)
    return OAuthClient(
        provider=fields.get("provider", str, ""),
        **{name: _url(fields, name, allow_http_loopback) for name in _URLS},
        client_id=_text(fields, "client_id"),
        auth_method=_auth_method(fields, None if "token_auth_method" in given else has_secret),
        token_format=_choice(fields, "token_format", TokenFormat),
        scopes=_scopes(fields),
        scope_separator=_separator(fields),
        pkce=not fields.get("disable_pkce", bool, False),
        grant=grant,
        authorization_parameters=_parameters(fields, "authorization_parameters", _IN_URL),
        token_parameters=_parameters(
            fields,
            "token_parameters",
            # Zoom's server-to-server applications name a grant of their own.
            _IN_BODY if grant is GrantKind.CLIENT_CREDENTIALS else _IN_BODY | {"grant_type"},
        ),
        assertion=_assertion(fields),
        callback_host=_callback_host(fields),
        callback_port=_callback_port(fields),
        callback_path=_callback_path(fields),
        send_state=fields.get("send_state", bool, False),
    )


def client_document(client: OAuthClient) -> dict[str, Any]:
    """The document of a client, whole: `parse_client(client_document(c), True) == c`."""
    return {
        "provider": client.provider,
        **{name: getattr(client, name) for name in _URLS},
        "client_id": client.client_id,
        "token_auth_method": str(client.auth_method),
        "token_format": str(client.token_format),
        "scopes": list(client.scopes),
        "scope_separator": client.scope_separator,
        "disable_pkce": not client.pkce,
        "grant": str(client.grant),
        **{name: dict(getattr(client, name)) for name in _MAPPINGS},
        "callback_host": client.callback_host,
        # 0 means: any free port. Null would mean that the field was left out.
        "callback_port": client.callback_port or 0,
        "callback_path": client.callback_path,
        "send_state": client.send_state,
    }


def _given(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the document says; scopes may be one text, as people write them."""
    given = {name: value for name, value in document.items() if value is not None}
    if isinstance(given.get("scopes"), str):
        given["scopes"] = list(scopes_of(given["scopes"]))
    return given


def _defaults(given: Fields) -> dict[str, Any]:
    provider = given.get("provider", str, "")
    if not provider:
        return {}
    try:
        return client_document(preset(provider).client)
    except VaultError:
        raise invalid(given.where, f"there is no preset {quoted(provider)}") from None


def _url(fields: Fields, name: str, allow_http_loopback: bool) -> str:
    url = fields.text(name) if name == "token_url" else fields.get(name, str, "")
    if url:
        check_endpoint_url(url, f"oauth: {name}", allow_http_loopback)
    if name == "authorization_url":
        _check_query(fields, url)
    return url


def _check_query(fields: Fields, url: str) -> None:
    """Of two values for a parameter some servers take the one that stands in the URL already."""
    query = url.partition("?")[2]
    found = {key.lower() for key, _ in parse_qsl(query.replace(";", "&"), keep_blank_values=True)}
    if taken := sorted(found & _NOT_IN_QUERY):
        raise invalid(fields.where, f"authorization_url must not set {taken[0]}: each login does")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, str, "")
    if len(value) > MAX_TEXT or not value.isprintable() or not value.isascii():
        raise invalid(fields.where, f"{name} must be at most {MAX_TEXT} visible characters")
    return value


def _choice(fields: Fields, name: str, kind: type[_Choice]) -> _Choice:
    choices = tuple(kind)
    value = fields.get(name, str, str(choices[0]))
    if value not in choices:
        names = ", ".join(choices)
        raise invalid(fields.where, f"unknown {name} {quoted(value)} (one of {names})")
    return kind(value)


def _auth_method(fields: Fields, has_secret: bool | None) -> AuthMethod:
    value = fields.get("token_auth_method", str, "")
    method = _SHORT_METHODS.get(value) or _choice(fields, "token_auth_method", AuthMethod)
    if has_secret is False:
        return AuthMethod.NONE
    return AuthMethod.BASIC if has_secret and method is AuthMethod.NONE else method


def _separator(fields: Fields) -> str:
    value = fields.get("scope_separator", str, " ")
    if value not in (" ", ",", "+", ";"):
        raise invalid(fields.where, "scope_separator must be a blank, a comma, + or ;")
    return value


def _scopes(fields: Fields) -> tuple[str, ...]:
    scopes = fields.items("scopes")
    for scope in scopes:
        if not isinstance(scope, str) or not is_scope(scope):
            raise invalid(fields.where, f"{quoted(scope)} is no scope")
    return tuple(scopes)


def _parameters(fields: Fields, name: str, reserved: frozenset[str]) -> dict[str, str]:
    found = fields.mapping(name)
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise invalid(fields.where, f"{name} must hold texts")
        if key in reserved:
            raise invalid(fields.where, f"{name} can't set {quoted(key)}")
        if not key or not all(len(t) <= MAX_TEXT and t.isprintable() for t in (key, value)):
            raise invalid(fields.where, f"{name} must hold lines of at most {MAX_TEXT} characters")
    return found


def _assertion(fields: Fields) -> dict[str, str]:
    found = _parameters(fields, "assertion", frozenset())
    if unknown := set(found) - _ASSERTION:
        choices = ", ".join(sorted(_ASSERTION))
        raise invalid(
            fields.where, f"assertion has no field {quoted(min(unknown))} (one of {choices})"
        )
    return found


def _callback_host(fields: Fields) -> str:
    host = fields.get("callback_host", str, DEFAULT_CALLBACK_HOST)
    if host not in ("127.0.0.1", "localhost"):
        raise invalid(fields.where, "callback_host must be 127.0.0.1 or localhost")
    return host


def _callback_port(fields: Fields) -> int | None:
    port = fields.get("callback_port", int, 0)
    if port != 0 and not 1024 <= port <= 65_535:
        raise invalid(fields.where, "callback_port must be 1024 to 65535, or 0 for any")
    return port or None


def _callback_path(fields: Fields) -> str:
    path = fields.get("callback_path", str, DEFAULT_CALLBACK_PATH)
    plain = path.isascii() and path.isprintable() and not set(path) & set(" ?#%\\")
    if (path and not path.startswith("/")) or not plain or len(path) > MAX_TEXT:
        raise invalid(fields.where, "callback_path must be a plain path such as /callback")
    return path
