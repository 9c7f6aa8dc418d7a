"""Reads a folder of an Infisical environment: its secrets are the credentials.

POST /api/v1/auth/universal-auth/login {clientId, clientSecret}    a token, kept until it ends
GET  /api/v4/secrets?projectId=…                                   Authorization: Bearer
GET  /api/v3/secrets/raw?workspaceId=…                             of servers that have no v4
"""

import json
from typing import Any, Final
from urllib.parse import urlencode

from proxy_core.services.sources.answers import Http, object_of, sent, token_of
from proxy_core.services.sources.infisical_list import values_of
from proxy_core.services.sources.settings import Infisical
from proxy_core.services.sources.tokens import Tokens

_ACCEPT: Final = {"accept": "application/json"}


async def read(http: Http, source: Infisical, tokens: Tokens) -> dict[str, Any]:
    """The secrets' values by name. Raises SourceError."""
    held = tokens.get(source)
    reply = await _list(http, source, held or await _log_in(http, source, tokens))
    if reply.status == 401:
        tokens.drop(source)
        if held:  # revoked, or used as often as it may be
            reply = await _list(http, source, await _log_in(http, source, tokens))
    return values_of(object_of(reply, "the secrets"), source.path, recursive=source.recursive)


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
        "recursive": _word(source.recursive),
        # Version 3 has this name, and so had version 4 when it was new; others are passed over.
        "include_imports": _word(source.imports),
    }
    newer = {"projectId": source.project, **place, "includeImports": _word(source.imports)}
    reply = await sent(http.get(f"{source.url}/api/v4/secrets?{urlencode(newer)}", headers))
    if reply.status != 404:
        return reply
    query = urlencode({"workspaceId": source.project, **place})
    return await sent(http.get(f"{source.url}/api/v3/secrets/raw?{query}", headers))


def _word(value: bool) -> str:
    return "true" if value else "false"
