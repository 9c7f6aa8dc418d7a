"""An issuer's endpoints from its own metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

import time

from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.discovering import MetadataSearch
from proxy_core.oauth.http import GuardedHttp


async def discover(http: GuardedHttp, issuer: str, *, confidential: bool = False) -> OAuthClient:
    """A client configuration with the issuer's endpoints; its client id is yet to be set.

    `confidential`: the client has a secret. Raises VaultError bad_request for a URL that is no
    issuer's or metadata that isn't its own, TokenError when there is no answer to use.
    """
    search = MetadataSearch(
        issuer, confidential=confidential, allow_http_loopback=http.allow_http_loopback
    )
    for url in search.urls:
        reply = await http.get(url, {"accept": "application/json"})
        found = search.read(reply.status, reply.headers, reply.body, time.time())
        if found is not None:
            return found
    raise search.failure
