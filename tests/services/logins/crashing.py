"""A worker's process that dies at a given step of a refresh: `crashing DATABASE STEP LOGIN`."""

import asyncio
import os
import signal
import ssl
import sys

from proxy_core.domain.oauth import OAuthClient, TokenSet
from proxy_core.mitm.guard import Guard
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.logins import Logins


def die() -> None:
    """Nothing more is done, not even by a finally."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingEndpoint(TokenEndpoint):
    """Dies before it asks, or with the answer in its hands."""

    step = ""

    async def refresh(
        self, client: OAuthClient, secret: bytes | None, refresh_token: bytes
    ) -> TokenSet:
        if self.step == "intent":
            die()
        tokens = await super().refresh(client, secret, refresh_token)
        if self.step == "answer":
            die()
        return tokens


async def main(database: str, step: str, login_id: str) -> None:
    """Refresh, and die on the way."""
    app = await Application.open(ApplicationConfig(database, allow_http_token_urls=True))
    await app.keys.unseal_automatically()
    http = GuardedHttp(
        Guard(allow_private=True).resolve, ssl.create_default_context, allow_http_loopback=True
    )
    endpoint = DyingEndpoint(http)
    endpoint.step = step
    app.logins.attach(endpoint)
    if step == "stored":
        app.logins.on_change(lambda _login: die())
    await refresh(app.logins, login_id)


async def refresh(logins: Logins, login_id: str) -> None:
    """As an operator would."""
    await logins.force(login_id, "test")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
