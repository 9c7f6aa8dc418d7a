"""As which client a login is obtained: a preset's, an issuer's, one written out, or as before."""

from dataclasses import dataclass, field
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.oauth import (
    AuthMethod,
    GrantKind,
    OAuthClient,
    TokenError,
    client_document,
    parse_client,
)
from proxy_core.oauth.discovery import discover
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.context import Context
from proxy_core.services.logins.tokens import opened_secret
from proxy_core.store import logins as store

MAX_SECRET = 64 * 1024

_FIELDS = (
    *("authorization_url", "token_url", "device_authorization_url", "client_id"),
    *("token_auth_method", "token_format", "scope_separator", "grant", "disable_pkce"),
    *("authorization_parameters", "token_parameters", "assertion", "callback_port"),
)
# What may be said of a login that keeps its configuration: its secret goes nowhere else.
_OF_A_KEPT_CLIENT = frozenset(("grant",))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A client and its secret: a client secret, or a private key in PEM. None: a public client."""

    client: OAuthClient
    secret: bytes | None = field(default=None, repr=False)


async def stored_configuration(context: Context, login_id: str) -> Configuration:
    """What a login was connected with. Raises VaultError: not_found, sealed."""
    row = await context.database.read(lambda session: store.login(session, login_id))
    client = parse_client(row.client, allow_http_loopback=True)
    return Configuration(client, opened_secret(context.sealer, row))


async def configuration(
    request: wire.OAuthClientFields,
    preset: str,
    known: Configuration | None,
    http: GuardedHttp,
) -> Configuration:
    """The configuration that a request asks for; `known` is the present one of its login.

    `preset` is the id of the request's preset, if it names one. Raises VaultError: bad_request,
    oauth_login_failed (the issuer doesn't answer).
    """
    secret = _secret(request)
    given = _given(request)
    if preset and request.issuer:
        raise VaultError("bad_request", "Name a provider or an issuer, not both.")
    if not (preset or request.issuer or request.token_url):
        if known is None:
            raise VaultError(
                "bad_request", "Say where to log in: a provider, an issuer, or its token_url."
            )
        found = _kept(given, known, secret)
    else:
        found = await _new(request, given, preset, secret, http)
    _check_secret(found)
    return found


async def _new(
    request: wire.OAuthClientFields,
    given: dict[str, Any],
    preset: str,
    secret: bytes | None,
    http: GuardedHttp,
) -> Configuration:
    document = {**given, "provider": preset}
    confidential = bool(request.client_secret)
    if request.issuer:
        document = await _discovered(http, request.issuer, confidential) | document
    elif confidential and not (preset or request.token_auth_method):
        document["token_auth_method"] = AuthMethod.POST.value
    client = parse_client(document, http.allow_http_loopback, has_secret=confidential)
    return Configuration(client, secret)


async def _discovered(http: GuardedHttp, issuer: str, confidential: bool) -> dict[str, Any]:
    try:
        return client_document(await discover(http, issuer, confidential=confidential))
    except TokenError as error:
        raise VaultError("oauth_login_failed", f"The issuer can't be asked: {error}") from None


def _kept(given: dict[str, Any], known: Configuration, secret: bytes | None) -> Configuration:
    """The same client at the same provider, with a new secret perhaps."""
    if other := sorted(set(given) - _OF_A_KEPT_CLIENT - {"scopes"}):
        raise VaultError(
            "bad_request",
            f"{', '.join(other)} can't be changed alone: give the provider, issuer or token_url "
            "and the rest of the configuration as well.",
        )
    document = client_document(known.client) | given
    if secret is not None and known.client.auth_method is AuthMethod.NONE:
        del document["token_auth_method"]
    client = parse_client(document, allow_http_loopback=True, has_secret=secret is not None or None)
    return Configuration(client, secret or known.secret)


def _given(request: wire.OAuthClientFields) -> dict[str, Any]:
    """The client document's fields that a request sets."""
    document = {name: value for name in _FIELDS if (value := getattr(request, name))}
    scopes = request.scopes
    if isinstance(scopes, str):
        scopes = scopes.split(request.scope_separator or None)
    return document | ({"scopes": scopes} if scopes else {})


def _secret(request: wire.OAuthClientFields) -> bytes | None:
    text, key = request.client_secret, request.private_key
    if text and key:
        raise VaultError("bad_request", "Give a client_secret or a private_key, not both.")
    if len(text) > MAX_SECRET or not text.isprintable():
        raise VaultError("bad_request", "client_secret must be one line of visible characters.")
    if len(key) > MAX_SECRET or not key.isascii():
        raise VaultError("bad_request", "private_key must be a key in PEM.")
    return (text or key).encode() or None


def _check_secret(found: Configuration) -> None:
    """Some grants are made with the secret alone. Raises VaultError bad_request."""
    grant = found.client.grant
    if found.secret is None and grant is GrantKind.JWT_BEARER:
        raise VaultError("bad_request", "This grant needs a private_key.")
    if found.secret is None and grant is GrantKind.CLIENT_CREDENTIALS:
        raise VaultError("bad_request", "This grant needs a client_secret.")
