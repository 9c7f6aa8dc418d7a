"""Logins without a browser here: device codes, and clients that sign in by themselves."""

import asyncio
import json
import time

import pytest
from joserfc.jwk import ECKey

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.oauth.authlib_server import AuthlibServer, Client
from tests.oauth.servers import Received, Script, listening, reply
from tests.services.conftest import ADA
from tests.services.connecting.conftest import token_of

PENDING = reply('{"error":"authorization_pending"}', 400)
TOKENS = reply('{"access_token":"from-the-device","refresh_token":"rt","expires_in":3600}')
DENIED = reply('{"error":"access_denied","error_description":"no"}', 400)


def started(**more: object) -> bytes:
    """The device endpoint's answer."""
    fields = {
        "device_code": "dc-s3cret",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://x.test/device",
        "verification_uri_complete": "https://x.test/device?c=WDJB-MJHT",
        "expires_in": 900,
        "interval": 1,
    }
    return reply(json.dumps({**fields, **more}))


async def begin_device(app: Application, port: int) -> wire.OAuthFlow:
    """Begin a login by device code."""
    url = f"http://127.0.0.1:{port}"
    request = wire.ConnectOAuth(
        key="TV",
        token_url=f"{url}/token",
        device_authorization_url=f"{url}/device",
        client_id="tv",
        grant="device_code",
    )
    return await app.connecting.credential(request, ADA)


async def test_a_device_code(app: Application) -> None:
    """The person types it elsewhere; the provider is asked until then."""
    script = Script(started(), PENDING, TOKENS)
    async with listening(script) as port:
        flow = await begin_device(app, port)
        assert (flow.kind, flow.state, flow.user_code) == ("device", "pending", "WDJB-MJHT")
        assert flow.verification_uri_complete == "https://x.test/device?c=WDJB-MJHT"
        assert "dc-s3cret" not in repr(app.flows.get(flow.id))
        ended = await app.flows.wait(app.flows.get(flow.id), 10)
    assert (ended.state, ended.user_code) == ("connected", "")
    assert await token_of(app, "TV") == b"from-the-device"


async def test_a_device_that_is_refused(app: Application) -> None:
    """The provider's reason is told, and nothing is stored."""
    async with listening(Script(started(), DENIED)) as port:
        flow = await begin_device(app, port)
        ended = await app.flows.wait(app.flows.get(flow.id), 10)
    assert (ended.state, ended.error, ended.message) == ("failed", "access_denied", "no")
    assert not app.logins.all()


async def test_nothing_is_pasted_for_a_device(app: Application) -> None:
    """It is said; and the login may be given up while it waits."""
    async with listening(Script(started(interval=60))) as port:
        flow = await begin_device(app, port)
        with pytest.raises(VaultError, match="nothing to paste"):
            await app.flows.complete(app.flows.get(flow.id), "code")
        assert (await app.flows.cancel(app.flows.get(flow.id))).state == "cancelled"


async def test_sealing_while_it_is_begun(app: Application) -> None:
    """The codes come too late: nobody is asked to type them, and nothing goes on."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def answer(_: Received) -> bytes:
        asked.set()
        await go.wait()
        return started()

    async with listening(answer) as port:
        beginning = asyncio.create_task(begin_device(app, port))
        await asked.wait()
        await app.keys.seal(ADA)
        go.set()
        with pytest.raises(VaultError) as caught:
            await beginning
    assert caught.value.code == "sealed"
    assert not any(flow.under_way for flow in app.flows._flows.values())


async def test_a_provider_without_device_codes(app: Application) -> None:
    """It is refused at once, and no flow is left behind."""
    request = wire.ConnectOAuth(
        key="TV", token_url="https://x.test/token", client_id="tv", grant="device_code"
    )
    with pytest.raises(VaultError, match="not known to have device codes") as caught:
        await app.connecting.credential(request, ADA)
    assert caught.value.code == "oauth_login_failed"


async def test_client_credentials(app: Application) -> None:
    """The client's own secret is enough, now and for every refresh."""
    server = AuthlibServer(Client("own", "client_secret_basic", "s3cret"))
    async with listening(server) as port:
        fields = {
            "key": "OWN",
            "token_url": f"http://127.0.0.1:{port}/token",
            "client_id": "own",
            "token_auth_method": "basic",
            "grant": "client_credentials",
        }
        request = wire.ConnectOAuth(**fields, client_secret="s3cret")
        flow = await app.connecting.credential(request, ADA)
        assert (flow.state, flow.kind) == ("connected", "direct")
        first = await token_of(app, "OWN")
        await app.oauth.refresh(wire.RefreshOAuth(key="OWN"), ADA)
        assert await token_of(app, "OWN") != first
        wrong = wire.ConnectOAuth(**fields, client_secret="wrong-s3cret")
        with pytest.raises(VaultError, match="invalid_client") as caught:
            await app.connecting.credential(wrong, ADA)
        assert caught.value.code == "oauth_login_failed"
        assert "s3cret" not in str(caught.value)
        again = await app.connecting.credential(wire.ConnectOAuth(key="OWN"), ADA)
        assert again.state == "connected"


async def test_an_assertion(app: Application, clock: FakeClock) -> None:
    """A JWT signed with the operator's key."""
    clock.step(time.time() - clock.time())  # the server reads its own clock
    key = ECKey.generate_key("P-256")
    server = AuthlibServer(Client("issuer", "none", key=key))
    async with listening(server) as port:
        url = f"http://127.0.0.1:{port}/token"
        server.audience = url
        request = wire.ConnectOAuth(
            key="SIGNED",
            token_url=url,
            client_id="issuer",
            grant="jwt_bearer",
            private_key=key.as_pem(private=True).decode(),
            assertion={"subject": "svc"},
        )
        assert "PRIVATE KEY" not in repr(request)
        flow = await app.connecting.credential(request, ADA)
        assert flow.state == "connected"
        assert await token_of(app, "SIGNED")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"grant": "client_credentials"}, "needs a client_secret"),
        ({"grant": "jwt_bearer"}, "needs a private_key"),
        ({"client_secret": "a", "private_key": "b"}, "not both"),
        ({"client_secret": "a\nb"}, "one line"),
        ({"provider": "github", "issuer": "https://x.test"}, "not both"),
        ({"provider": "no-such"}, "no preset"),
        ({"token_url": "http://x.test/token"}, "https"),
        ({"callback_port": 80}, "callback_port"),
        ({"client_id": ""}, "needs a client id"),
        ({"authorization_url": ""}, "needs an authorization URL"),
        ({"grant": "password"}, "unknown grant"),
    ],
)
async def test_what_can_not_be_begun(app: Application, fields: dict[str, str], why: str) -> None:
    """Said before anything is asked or kept."""
    given = {
        "token_url": "https://x.test/token",
        "authorization_url": "https://x.test/authorize",
        "client_id": "cli",
    }
    request = wire.ConnectOAuth(key="NEW", **{**given, **fields})  # type: ignore[arg-type]
    with pytest.raises(VaultError, match=why) as caught:
        await app.connecting.credential(request, ADA)
    assert caught.value.code == "bad_request"


async def test_an_issuer_that_does_not_answer(app: Application) -> None:
    """The failure is told as the provider's, whoever asks."""
    request = wire.ConnectOAuth(key="NEW", issuer="http://127.0.0.1:9")
    with pytest.raises(VaultError, match="unreachable") as caught:
        await app.connecting.credential(request, ADA)
    assert caught.value.code == "oauth_login_failed"
    with pytest.raises(VaultError, match="unreachable") as caught:
        await app.connecting.discover("http://127.0.0.1:9")
    assert caught.value.code == "oauth_login_failed"
