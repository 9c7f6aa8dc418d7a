"""Installation tokens of GitHub Apps."""

import time
from collections.abc import Callable

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.github_app import app_claims, parse_token, token_headers, token_url
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.oauth.http import GuardedHttp
from proxy_core.oauth.signing import signed


class InstallationTokens:
    """Asks GitHub. Keeps nothing. `clock` tells epoch seconds."""

    def __init__(self, http: GuardedHttp, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._clock = clock

    async def mint(
        self, host: str, app_id: str, installation_id: str, private_key: bytes
    ) -> TokenSet:
        """A token for the installation of an app; `host` is the service's. Raises TokenError."""
        try:
            url = token_url(host, installation_id)
        except VaultError as error:
            raise TokenError(True, "client_incomplete", error.detail) from None
        jwt = signed(app_claims(app_id, self._clock()), private_key, "")
        reply = await self._http.post(url, token_headers(jwt), b"")
        secrets = (jwt.encode("ascii"),)
        return parse_token(reply.status, reply.headers, reply.body, secrets, self._clock())
