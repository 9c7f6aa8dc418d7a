"""Reads one folder of an Infisical environment: its secrets are the credentials.

POST /api/v1/auth/universal-auth/login {clientId, clientSecret}    a token, kept until it ends
GET  /api/v4/secrets?projectId=…                                   Authorization: Bearer
GET  /api/v3/secrets/raw?workspaceId=…                             of servers that have no v4

Folders below and imports are left out, so that each name has one place. An empty answer is an
error: a folder that does not exist is answered so, and would take every credential with it.
"""

import json
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from proxy_core.base.clock import Clock
from proxy_core.services.sources.answers import Http, SourceError, object_of, sent, token_of

_ACCEPT: Final = {"accept": "application/json"}
_AHEAD: Final = 30.0
_LONGEST: Final = 24 * 3600.0
"""Seconds: a token is given up so long before its end, and kept no longer than that."""


class Infisical(msgspec.Struct, frozen=True, kw_only=True):
    """Where the secrets are, and the machine identity that may read them."""

    url: str
    project: str
    environment: str
    path: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Infisical({self.shown})"

    @property
    def shown(self) -> str:
        """The place, as people may read it."""
        return f"{self.url} {self.project} {self.environment}:{self.path}"


class Tokens:
    """Access tokens until they end, in memory alone. Other settings are another identity."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Infisical, tuple[str, float]] = {}

    def get(self, source: Infisical) -> str | None:
        """One that lives."""
        token, until = self._held.get(source, ("", 0.0))
        return token if self._clock.monotonic() < until else None

    def keep(self, source: Infisical, token: str, lifetime: object) -> None:
        """For `lifetime` seconds, as the store said; not at all if it said no number."""
        now = self._clock.monotonic()
        self._held = {key: one for key, one in self._held.items() if now < one[1]}
        if isinstance(lifetime, int | float) and lifetime > _AHEAD:
            self._held[source] = (token, now + min(lifetime, _LONGEST) - _AHEAD)

    def drop(self, source: Infisical) -> None:
        """The store does not take it any more."""
        self._held.pop(source, None)

    def clear(self) -> None:
        """Forget all: the vault is sealed."""
        self._held.clear()


async def read(http: Http, source: Infisical, tokens: Tokens) -> dict[str, Any]:
    """The secrets' values by name. Raises SourceError."""
    held = tokens.get(source)
    reply = await _list(http, source, held or await _log_in(http, source, tokens))
    if reply.status == 401:
        tokens.drop(source)
        if held:  # revoked, or used as often as it may be
            reply = await _list(http, source, await _log_in(http, source, tokens))
    return _values(object_of(reply, "the secrets"))


async def _log_in(http: Http, source: Infisical, tokens: Tokens) -> str:
    body = json.dumps({"clientId": source.client_id, "clientSecret": source.client_secret})
    url = f"{source.url}/api/v1/auth/universal-auth/login"
    headers = {**_ACCEPT, "content-type": "application/json"}
    found = object_of(await sent(http.post(url, headers, body.encode())), "the machine identity")
    token = token_of(found.get("accessToken"), "the machine identity")
    tokens.keep(source, token, found.get("expiresIn"))
    return token


async def _list(http: Http, source: Infisical, token: str) -> Any:
    headers = {**_ACCEPT, "authorization": f"Bearer {token}"}
    place = {
        "environment": source.environment,
        "secretPath": source.path,
        "viewSecretValue": "true",
        "expandSecretReferences": "true",
        "recursive": "false",
    }
    query = urlencode({"projectId": source.project, **place})
    reply = await sent(http.get(f"{source.url}/api/v4/secrets?{query}", headers))
    if reply.status != 404:
        return reply
    query = urlencode({"workspaceId": source.project, **place})
    return await sent(http.get(f"{source.url}/api/v3/secrets/raw?{query}", headers))


def _values(found: dict[str, Any]) -> dict[str, Any]:
    """A name that comes twice has no value: neither is guessed to be meant."""
    listed = found.get("secrets")
    if not isinstance(listed, list):
        raise SourceError("The store's answer holds no list of secrets.")
    values: dict[str, Any] = {}
    for one in listed:
        name = one.get("secretKey") if isinstance(one, dict) else None
        if not isinstance(name, str):
            raise SourceError("The store's answer holds what is no secret.")
        if one.get("secretValueHidden"):
            raise SourceError("The store hides values from this machine identity.")
        values[name] = None if name in values else one.get("secretValue")
    if not values:
        raise SourceError("The store has no secrets at this place.")
    return values
