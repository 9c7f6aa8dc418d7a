"""Reads one secret of HashiCorp Vault's KV engine, version 2: its fields are the credentials.

POST /v1/auth/approle/login {role_id, secret_id}    a token for one poll, with AppRole
GET  /v1/MOUNT/data/PATH                            X-Vault-Token
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from proxy_core.domain.oauth import TokenError
from proxy_core.oauth.http import Reply


class SourceError(Exception):
    """The store could not be read. The text may be shown; nothing of the store is in it."""


class Http(Protocol):
    """Single requests through the network guard: `oauth.http.GuardedHttp` is one."""

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Raises TokenError when there is no answer to use."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TokenError when there is no answer to use."""


class HashiCorp(msgspec.Struct, frozen=True, kw_only=True):
    """Where the secret is, and what opens it: a token, or a role id and a secret id."""

    url: str
    mount: str
    path: str
    namespace: str = ""
    token: str = ""
    role_id: str = ""
    secret_id: str = ""

    def __repr__(self) -> str:
        return f"HashiCorp({self.shown})"

    @property
    def shown(self) -> str:
        """The place, as people may read it."""
        return f"{self.url} {self.mount}/{self.path}"


async def read(http: Http, source: HashiCorp) -> Mapping[str, Any]:
    """The secret's fields. Raises SourceError."""
    headers = {"accept": "application/json", "x-vault-request": "true"}
    if source.namespace:
        headers["x-vault-namespace"] = source.namespace
    token = source.token or await _log_in(http, source, headers)
    url = f"{source.url}/v1/{quote(source.mount)}/data/{quote(source.path)}"
    reply = await _sent(http.get(url, {**headers, "x-vault-token": token}))
    found = _object(reply, "the secret").get("data")
    fields = found.get("data") if isinstance(found, dict) else None
    if not isinstance(fields, dict):
        raise SourceError("The store's answer holds no secret of a KV engine of version 2.")
    return fields


async def _log_in(http: Http, source: HashiCorp, headers: Mapping[str, str]) -> str:
    body = json.dumps({"role_id": source.role_id, "secret_id": source.secret_id}).encode()
    reply = await _sent(http.post(f"{source.url}/v1/auth/approle/login", headers, body))
    found = _object(reply, "AppRole").get("auth")
    token = found.get("client_token") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise SourceError("The store's answer to AppRole holds no token.")
    return token


async def _sent(request: Any) -> Reply:
    try:
        reply: Reply = await request
    except TokenError as error:
        raise SourceError(f"The store can't be reached ({error.code}).") from None
    return reply


def _object(reply: Reply, what: str) -> dict[str, Any]:
    if reply.status in (400, 401, 403):
        raise SourceError(f"The store refuses {what} ({reply.status}).")
    if reply.status == 404:
        raise SourceError("The store has no such secret.")
    if reply.status != 200:
        raise SourceError(f"The store answered {reply.status}.")
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SourceError("The store's answer can't be read.")
    return found
