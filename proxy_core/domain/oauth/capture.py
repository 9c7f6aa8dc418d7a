"""Login capture: which requests of agents are logins, what they say, and what is answered.

A service with `capture` covers a token endpoint. Its path says where that is, if there is one
without `*`; otherwise it is where the host's preset has it. The endpoint's answer never reaches an
agent: it gets the same fields with stand-ins for the tokens (RFC 6749 5.1, 5.2; RFC 7009).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from proxy_core.domain.oauth.client import AuthMethod, OAuthClient, TokenFormat
from proxy_core.domain.oauth.presets import Preset, presets
from proxy_core.domain.oauth.replies import scopes_of
from proxy_core.domain.oauth.stand_ins import access_stand_in, login_of, refresh_stand_in
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.domain.service import Service
from proxy_core.domain.target import spellings

UNKNOWN_LIFE = 3600
"""Seconds, where the provider tells no end."""
SHORTEST_LIFE = 60
"""Seconds: an agent is not to ask again and again while the vault refreshes."""

_REVOKE = "/revoke"
# Older guides name it; it is the same endpoint under another name.
_FORMER_HOSTS = {"console.anthropic.com": "platform.claude.com"}
# Beyond the protocol, what names the API that the tokens are for.
_PARAMETERS = ("resource", "audience")


class Captured(StrEnum):
    """What a captured request asks of the endpoint."""

    TOKEN = "token"  # noqa: S105 - a kind of request
    REVOCATION = "revocation"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A request to a captured endpoint, as it came. `url` has no query."""

    kind: Captured
    url: str
    content_type: str
    authorization: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """What the agent gets: a status and a JSON object, without any real token."""

    status: int
    document: Mapping[str, Any]


class LoginRefused(Exception):
    """The request can't be served; `code` is of RFC 6749 5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.status = status

    @property
    def answer(self) -> LoginAnswer:
        """As the endpoint would say it."""
        return LoginAnswer(self.status, {"error": self.code, "error_description": str(self)})


def captured_as(service: Service, host: str, method: str, path: str) -> Captured | None:
    """What a request that the service covers is; None: nothing to capture.

    `path` without the query, as it would be forwarded. Another spelling of it counts as well.
    """
    if not service.capture or method != "POST":
        return None
    endpoints = token_paths(host, service.path)
    for spelling in (path, *spellings(path)):
        if spelling in endpoints:
            return Captured.TOKEN
        if spelling.endswith(_REVOKE):
            return Captured.REVOCATION
    return None


def token_paths(host: str, path: str) -> frozenset[str]:
    """Where the token endpoint is, for a service of this host and path; empty: nobody knows."""
    if path and "*" not in path:
        return frozenset((path,))
    urls = [urlsplit(preset.client.token_url) for preset in presets()]
    known = _FORMER_HOSTS.get(host, host)
    return frozenset(url.path for url in urls if url.hostname == known)


def preset_of(url: str) -> Preset | None:
    """The preset whose token endpoint it is."""
    asked = urlsplit(url)
    place = (_FORMER_HOSTS.get(asked.hostname or "", asked.hostname), asked.path)
    for preset in presets():
        known = urlsplit(preset.client.token_url)
        if (known.hostname, known.path) == place:
            return preset
    return None


# --- what agents send -----------------------------------------------------------------------------


def login_fields(request: LoginRequest) -> dict[str, str]:
    """The request's text fields, with a client's name and secret from a Basic header.

    Raises LoginRefused invalid_request.
    """
    kind = request.content_type.partition(";")[0].strip().lower()
    try:
        text = request.body.decode("utf-8")
        if kind == "application/json":
            pairs = _pairs(text)
        elif kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(text, max_num_fields=100, keep_blank_values=True)
        else:
            raise LoginRefused("invalid_request", "The body is neither JSON nor a form.")
    except (ValueError, RecursionError):
        raise LoginRefused("invalid_request", "The body can't be read.") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise LoginRefused("invalid_request", "A field stands there twice.")
    return {**dict(pairs), **_basic(request.authorization)}


def _pairs(text: str) -> list[tuple[str, str]]:
    """The text fields of a JSON object; numbers and the like say nothing that is needed."""
    pairs: list[tuple[str, Any]] = json.loads(text, object_pairs_hook=list)
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise LoginRefused("invalid_request", "The body is no JSON object.")
    return [(name, value) for name, value in pairs if isinstance(value, str)]


def _basic(authorization: str) -> dict[str, str]:
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        pair = base64.b64decode(coded.strip(), validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        raise LoginRefused("invalid_client", "The client's proof can't be read.", 401) from None
    name, _, secret = pair.partition(":")
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def login_client(request: LoginRequest, fields: Mapping[str, str]) -> OAuthClient:
    """The client that the agent is: the endpoint's preset, as far as the request says no other.

    Raises LoginRefused: what it can prove itself with would have to be known here.
    """
    if "client_assertion" in fields:
        raise LoginRefused("invalid_client", "Clients that sign assertions can't be captured.")
    known = preset_of(request.url)
    basic = request.authorization.lower().startswith("basic ")
    method = AuthMethod.BASIC if basic else AuthMethod.POST
    as_json = request.content_type.partition(";")[0].strip().lower() == "application/json"
    client_id = fields.get("client_id", "")
    same = known is not None and client_id == known.client.client_id
    base = known.client if known is not None and same else OAuthClient(token_url=request.url)
    return OAuthClient(
        provider=known.id if known else "",
        token_url=request.url,
        authorization_url=base.authorization_url,
        revocation_url=base.revocation_url,
        client_id=client_id,
        auth_method=method if fields.get("client_secret") else AuthMethod.NONE,
        token_format=TokenFormat.JSON if as_json else TokenFormat.FORM,
        scopes=scopes_of(fields.get("scope")) or base.scopes,
        authorization_parameters=base.authorization_parameters,
        token_parameters={name: fields[name] for name in _PARAMETERS if fields.get(name)},
        manual_redirect_uri=base.manual_redirect_uri,
        callback_host=base.callback_host,
        callback_port=base.callback_port,
        callback_path=base.callback_path,
        send_state="state" in fields or base.send_state,
    )


# --- what they get --------------------------------------------------------------------------------


def captured_reply(login_id: str, tokens: TokenSet, now: float) -> LoginAnswer:
    """The endpoint's answer with stand-ins in it; `expires_in` is the token's own."""
    document: dict[str, Any] = {
        "token_type": "Bearer",
        "access_token": access_stand_in(login_id),
        "expires_in": life(tokens.expires_at, now),
    }
    if tokens.refresh_token is not None:
        document["refresh_token"] = refresh_stand_in(login_id)
    if tokens.scopes:
        document["scope"] = " ".join(tokens.scopes)
    who = tokens.subject
    if who.account_id or who.email:
        document["account"] = {"uuid": who.account_id, "email_address": who.email}
    if who.organization_id:
        document["organization"] = {"uuid": who.organization_id, "name": who.name}
    return LoginAnswer(200, document)


def repeated_reply(refresh_token: str, seconds: int, scope: str) -> LoginAnswer:
    """The answer to a refresh with a stand-in: the same ones again."""
    login_id = login_of(refresh_token)
    document: dict[str, Any] = {
        "token_type": "Bearer",
        "access_token": access_stand_in(login_id) if login_id else refresh_token,
        "refresh_token": refresh_token,
        "expires_in": seconds,
    }
    return LoginAnswer(200, {**document, "scope": scope} if scope else document)


def life(expires_at: float | None, now: float) -> int:
    """Whole seconds that a token lives, as an answer tells them."""
    if expires_at is None:
        return UNKNOWN_LIFE
    return max(SHORTEST_LIFE, round(expires_at - now))
