"""An issuer's endpoints from its own metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

import time

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.failures import refusal
from proxy_core.domain.oauth.metadata import check_issuer, metadata_urls, parse_metadata
from proxy_core.oauth.http import GuardedHttp


async def discover(http: GuardedHttp, issuer: str, *, confidential: bool = False) -> OAuthClient:
    """A client configuration with the issuer's endpoints; its client id is yet to be set.

    `confidential`: the client has a secret. Raises VaultError bad_request for a URL that is no
    issuer's or metadata that isn't its own, TokenError when there is no answer to use.
    """
    allow = http.allow_http_loopback
    check_issuer(issuer, allow)
    failure = VaultError("bad_request", "the issuer publishes no metadata where it should")
    for url in metadata_urls(issuer):
        reply = await http.get(url, {"accept": "application/json"})
        if reply.status >= 500 or reply.status in (408, 429):
            raise refusal(reply.status, reply.headers, {}, (), time.time())
        if reply.status != 200:
            continue
        try:
            return parse_metadata(
                reply.body, issuer, confidential=confidential, allow_http_loopback=allow
            )
        except VaultError as error:
            # Some sites answer every path with a page: another place may have the metadata.
            failure = error
    raise failure
