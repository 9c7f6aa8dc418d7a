"""An issuer's endpoints from its own metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

from proxy_core.domain.oauth import OAuthClient
from proxy_core.oauth.http import GuardedHttp


async def discover(http: GuardedHttp, issuer: str) -> OAuthClient:
    """A client configuration with the issuer's endpoints; its client id is yet to be set.

    Raises VaultError bad_request for a URL that is no issuer's or metadata that isn't its own,
    TokenError when there is no answer to use.
    """
    raise NotImplementedError
