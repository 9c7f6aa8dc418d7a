"""Reads one secret of HashiCorp Vault's KV engine, version 2: its fields are the credentials.

POST /v1/auth/approle/login {role_id, secret_id}    a token for one poll, with AppRole
GET  /v1/MOUNT/data/PATH                            X-Vault-Token
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from proxy_core.services.sources.answers import Http, SourceError, object_of, sent, token_of


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
    reply = await sent(http.get(url, {**headers, "x-vault-token": token}))
    found = object_of(reply, "the secret").get("data")
    fields = found.get("data") if isinstance(found, dict) else None
    if not isinstance(fields, dict):
        raise SourceError("The store's answer holds no secret of a KV engine of version 2.")
    return fields


async def _log_in(http: Http, source: HashiCorp, headers: Mapping[str, str]) -> str:
    body = json.dumps({"role_id": source.role_id, "secret_id": source.secret_id}).encode()
    reply = await sent(http.post(f"{source.url}/v1/auth/approle/login", headers, body))
    found = object_of(reply, "AppRole").get("auth")
    return token_of(found.get("client_token") if isinstance(found, dict) else None, "AppRole")
