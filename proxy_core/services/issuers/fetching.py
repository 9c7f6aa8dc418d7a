"""One look at what an issuer publishes: its metadata, then its keys, through the network guard."""

import asyncio
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.issuers import Issuer, jwks_url
from proxy_core.domain.oauth import TokenError
from proxy_core.domain.oauth.metadata import metadata_urls
from proxy_core.oauth.http import GuardedHttp, Reply
from proxy_core.oauth.jwks import KeySet, parse_keys

_JSON: Final = {"accept": "application/json"}


async def fetch_keys(http: GuardedHttp, issuer: Issuer) -> KeySet:
    """The issuer's keys as they are now. Raises VaultError issuer_unreachable, which says why."""
    try:
        url = issuer.jwks_url or await _find(http, issuer)
        reply = await http.get(url, {"accept": "application/jwk-set+json, application/json"})
        if reply.status != 200:
            raise _unusable(f"its keys are answered with status {reply.status}")
        return await asyncio.to_thread(parse_keys, reply.body)
    except TokenError as error:
        raise _unusable(error.detail) from None
    except VaultError as error:
        if error.code != "bad_request":
            raise
        raise _unusable(error.detail) from None


async def _find(http: GuardedHttp, issuer: Issuer) -> str:
    """Where its metadata says that its keys are. Some answer every path with a page: look on."""
    failure = VaultError("bad_request", "it publishes no metadata where it should")
    for url in metadata_urls(issuer.url):
        reply: Reply = await http.get(url, _JSON)
        if reply.status >= 500:
            raise _unusable(f"its metadata is answered with status {reply.status}")
        if reply.status != 200:
            continue
        try:
            return jwks_url(reply.body, issuer.url, http.allow_http_loopback)
        except VaultError as error:
            failure = error
    raise failure


def _unusable(why: str) -> VaultError:
    return VaultError("issuer_unreachable", display_safe(why, 300))
