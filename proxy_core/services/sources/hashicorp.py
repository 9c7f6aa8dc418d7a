"""Reads one secret of HashiCorp Vault's KV engine, version 2: its fields are the credentials.

POST /v1/auth/approle/login {role_id, secret_id}    a token, kept until it ends, with AppRole
POST /v1/auth/token/renew-self                      a token that was given, now and then
GET  /v1/MOUNT/data/PATH                            X-Vault-Token
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from proxy_core.oauth.http import Reply
from proxy_core.services.sources.answers import Http, SourceError, object_of, sent, token_of
from proxy_core.services.sources.settings import HashiCorp
from proxy_core.services.sources.tokens import LONGEST, Tokens


async def read(http: Http, source: HashiCorp, tokens: Tokens) -> Mapping[str, Any]:
    """The secret's fields. Raises SourceError."""
    held = tokens.get(source)
    reply = await _get(http, source, held or await _token(http, source, tokens))
    if reply.status == 403:
        tokens.drop(source)
        if held and source.role_id:  # revoked, or used as often as it may be
            reply = await _get(http, source, await _token(http, source, tokens))
    if reply.status == 404 and _is_deleted(reply):
        raise SourceError("The newest version of the secret was deleted or destroyed.")
    found = object_of(reply, "the secret").get("data")
    fields = found.get("data") if isinstance(found, dict) else None
    if not isinstance(fields, dict):
        raise SourceError("The store's answer holds no secret of a KV engine of version 2.")
    return fields


async def _get(http: Http, source: HashiCorp, token: str) -> Reply:
    url = f"{source.url}/v1/{quote(source.mount)}/data/{quote(source.path)}"
    return await sent(http.get(url, {**_headers(source), "x-vault-token": token}))


async def _token(http: Http, source: HashiCorp, tokens: Tokens) -> str:
    if source.role_id:
        return await _log_in(http, source, tokens)
    await _renew(http, source, tokens)
    return source.token


async def _log_in(http: Http, source: HashiCorp, tokens: Tokens) -> str:
    body = json.dumps({"role_id": source.role_id, "secret_id": source.secret_id}).encode()
    url = f"{source.url}/v1/auth/approle/login"
    reply = await sent(http.post(url, _headers(source), body))
    found = object_of(reply, "AppRole").get("auth")
    auth = found if isinstance(found, dict) else {}
    token = token_of(auth.get("client_token"), "AppRole")
    tokens.keep(source, token, auth.get("lease_duration"))
    return token


async def _renew(http: Http, source: HashiCorp, tokens: Tokens) -> None:
    """Let a token live on; the next time when half of what it has is over.

    One that can't be renewed, or may not renew itself, is used as it is.
    """
    headers = {**_headers(source), "x-vault-token": source.token}
    reply = await sent(http.post(f"{source.url}/v1/auth/token/renew-self", headers, b"{}"))
    try:
        auth = object_of(reply, "the renewal").get("auth")
    except SourceError:
        auth = None
    lease = auth.get("lease_duration") if isinstance(auth, dict) else None
    half = lease // 2 if isinstance(lease, int) and lease else LONGEST
    tokens.keep(source, source.token, half)


def _headers(source: HashiCorp) -> dict[str, str]:
    headers = {"accept": "application/json", "x-vault-request": "true"}
    return {**headers, "x-vault-namespace": source.namespace} if source.namespace else headers


def _is_deleted(reply: Reply) -> bool:
    """A version that is gone is answered with its metadata (and no data)."""
    try:
        data = json.loads(reply.body).get("data")
    except (ValueError, RecursionError, AttributeError):
        return False
    return isinstance(data, dict) and isinstance(data.get("metadata"), dict)
