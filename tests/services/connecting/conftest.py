"""A worker's use cases, and a provider that demands PKCE and the right redirect."""

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.mitm.guard import Guard
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.connecting.providers import CALLBACK_PATH, Providers
from proxy_core.services.principal import operator
from tests.oauth.rotating import RotatingServer
from tests.oauth.servers import Received, listening, reply
from tests.schemas import copy_newest
from tests.services.conftest import ADA

CALLBACK = f"http://127.0.0.1:14321{CALLBACK_PATH}"


@dataclass
class Provider(RotatingServer):
    """`received` are the requests to its token endpoint; `email` is told of whoever signs in."""

    email: str = ""
    received: list[Received] = field(default_factory=list)

    async def __call__(self, request: Received) -> bytes | None:
        self.received.append(request)
        return await super().__call__(request)

    def _tokens(self, access: str, refresh: str | None) -> bytes:
        _, _, body = super()._tokens(access, refresh).partition(b"\r\n\r\n")
        fields = json.loads(body)
        if self.email:
            fields["account"] = {"email_address": self.email}
        return reply(json.dumps(fields))

    def fields(self, **more: object) -> dict[str, object]:
        """What a request says of a public client here."""
        base = f"http://127.0.0.1:{self.port}"
        urls = {"authorization_url": f"{base}/authorize", "token_url": f"{base}/token"}
        return {**urls, "client_id": "cli", **more}

    def agreed(self, flow: wire.OAuthFlow) -> str:
        """The address that a browser is sent to once the person has agreed."""
        query = parse_qs(urlsplit(flow.authorization_url).query)
        redirect = query["redirect_uri"][0]
        assert redirect == flow.redirect_uri
        code = self.code(query["code_challenge"][0], redirect)
        return f"{redirect}?{urlencode({'code': code, 'state': query['state'][0]})}"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A running provider."""
    server = Provider()
    async with listening(server) as server.port:
        yield server


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Application]:
    """An open vault whose providers may be on this machine."""
    copy_newest(tmp_path / "vault.db")
    config = ApplicationConfig(tmp_path / "vault.db", allow_http_token_urls=True)
    application = await Application.open(config, clock)
    request = wire.InitRequest(slot="keyfile", path=str(tmp_path / "master.key"))
    await application.keys.initialise(request, operator("setup"))
    http = GuardedHttp(
        Guard(allow_private=True).resolve, ssl.create_default_context, allow_http_loopback=True
    )
    endpoint = TokenEndpoint(http, clock.time)
    application.logins.attach(endpoint)
    application.flows.attach(Providers(endpoint, http, CALLBACK))
    yield application
    await application.close()


async def begin(
    app: Application, provider: Provider, key: str = "TOKEN", **more: object
) -> wire.OAuthFlow:
    """Begin to connect a credential in a browser."""
    request = wire.ConnectOAuth(key=key, **provider.fields(**more))  # type: ignore[arg-type]
    return await app.connecting.credential(request, ADA)


async def come_back(app: Application, address: str) -> wire.OAuthFlow:
    """The browser opens the API's callback."""
    assert address.startswith(f"{CALLBACK}?")
    return await app.flows.callback(urlsplit(address).query)


async def token_of(app: Application, key: str = "TOKEN") -> bytes:
    """The access token that a request would get now."""
    login = next(one for one in app.logins.all() if one.key == key)
    return (await app.logins.access(login.id)).value
