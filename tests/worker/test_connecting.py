"""Logins over the worker's real API, at a real OpenID provider that demands PKCE."""

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain import wire
from tests.oauth.person import Person
from tests.worker.harness import ThreadedWorker

pytestmark = pytest.mark.xdist_group("oidc-provider")

SECRET = "s3cret/+ :%"
CONNECT = "/v1/credentials/oauth/connect"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker whose providers may be on this machine."""
    home = tmp_path_factory.mktemp("connecting") / "home"
    running = ThreadedWorker(home, allow_http_token_urls=True).start()
    running.init()
    yield running
    running.stop()


@dataclass
class Api:
    """The API as an operator uses it, and the issuer."""

    client: SyncClient
    issuer: str

    def begin(self, key: str, **more: Any) -> wire.OAuthFlow:
        """Begin to connect a credential."""
        fields = {"issuer": self.issuer, "client_id": "public", **more}
        return self.client.send(calls.connect_oauth(wire.ConnectOAuth(key=key, **fields)))

    def follow(self, flow: wire.OAuthFlow, wait: int = 10) -> wire.OAuthFlow:
        """How it stands, or has ended."""
        return self.client.send(calls.flow(flow.id, wait))

    def complete(self, flow: wire.OAuthFlow, pasted: str) -> wire.OAuthFlow:
        """Paste what the browser showed."""
        return self.client.send(calls.complete_flow(flow.id, pasted))


@pytest.fixture
def api(worker: ThreadedWorker, issuer: str) -> Api:
    """An operator's client."""
    return Api(worker.client(), issuer)


def browse(flow: wire.OAuthFlow, *, who: str = "ann", opens: bool = True) -> tuple[str, str]:
    """A person agrees; the address where the browser ended, and what that page said."""

    async def through() -> tuple[str, str]:
        async with Person(who) as person:
            address = await person.connect(flow.authorization_url, flow.redirect_uri)
            return address, (await person.open(address)).text if opens else ""

    return asyncio.run(through())


def test_a_browser(worker: ThreadedWorker, api: Api) -> None:
    """From discovery over the provider's pages to the API's own callback, and a first refresh."""
    flow = api.begin("BROWSER")
    assert flow.redirect_uri == f"http://{worker.api}/v1/oauth/callback"
    waiting: list[wire.OAuthFlow] = []
    follower = threading.Thread(target=lambda: waiting.append(api.follow(flow, 25)))
    follower.start()
    address, page = browse(flow)
    follower.join(30)
    assert "Signed in" in page
    assert (waiting[0].state, waiting[0].key) == ("connected", "BROWSER")
    status = api.client.send(calls.oauth_status("BROWSER"))
    assert (status.connected, status.refresh_count) == (True, 0)
    assert api.client.send(calls.refresh_oauth("BROWSER")).refresh_count == 1
    again = worker.ask("GET", address.removeprefix(f"http://{worker.api}"))
    assert again.status == 404
    assert "Not this login" in again.body.decode()


def test_the_page(worker: ThreadedWorker, api: Api) -> None:
    """No script, no cache, no referrer; nothing of a stranger's request; our own host only."""
    path = "/v1/oauth/callback?state=%3Cscript%3E&code=s3cret"
    answer = worker.ask("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(rb"<script|s3cret", answer.body)
    flow = api.begin("PAGE")
    state = re.search(r"[?&]state=([^&]+)", flow.authorization_url)
    assert state is not None
    query = f"state={state[1]}&error=access_denied&error_description=%3Cb%3Eno%3C/b%3E"
    rebound = worker.ask("GET", f"/v1/oauth/callback?{query}", headers={"Host": "evil.test"})
    assert rebound.json["error"] == "origin_refused"
    assert api.follow(flow, 0).state == "pending"
    refused = worker.ask("GET", f"/v1/oauth/callback?{query}")
    assert b"Not signed in" in refused.body
    assert b"&lt;b&gt;no" in refused.body
    assert b"<b>" not in refused.body
    assert (api.follow(flow).state, api.follow(flow).error) == ("failed", "access_denied")


def test_pasting(api: Api) -> None:
    """Another machine's browser ends at an address that it can't open: that is pasted."""
    flow = api.begin("HEADLESS", headless=True)
    address, _ = browse(flow, opens=False)
    with pytest.raises(VaultError) as caught:
        api.complete(flow, address.replace("state=", "state=x"))
    assert caught.value.code == "bad_request"
    assert api.complete(flow, address).state == "connected"
    with pytest.raises(VaultError) as caught:
        api.complete(flow, address)
    assert caught.value.code == "conflict"


def test_a_code_of_another_issuer(api: Api) -> None:
    """It is not shown to the one that was asked (RFC 9207)."""
    flow = api.begin("MIXED_UP")
    address, _ = browse(flow, opens=False)
    mixed_up = re.sub(r"([?&]iss=)[^&]+", r"\1https%3A%2F%2Fother.test", address)
    assert mixed_up != address
    ended = api.complete(flow, mixed_up)
    assert (ended.state, ended.error) == ("failed", "issuer_mismatch")


def test_pasting_code_and_state(api: Api) -> None:
    """As a page of the provider would show them."""
    flow = api.begin("CODE", headless=True)
    address, _ = browse(flow, opens=False)
    code, state = (re.search(rf"[?&]{name}=([^&]+)", address) for name in ("code", "state"))
    assert code is not None
    assert state is not None
    assert api.complete(flow, f"{code[1]}#{state[1]}").state == "connected"


def test_a_person_who_refuses(api: Api) -> None:
    """The provider sends the browser back with an error."""
    flow = api.begin("REFUSED")

    async def refuse() -> None:
        async with Person() as person:
            await person.open(await person.refuse(flow.authorization_url, flow.redirect_uri))

    asyncio.run(refuse())
    ended = api.follow(flow)
    assert (ended.state, ended.error) == ("failed", "access_denied")
    with pytest.raises(VaultError) as caught:
        api.client.send(calls.oauth_status("REFUSED"))
    assert caught.value.code == "not_found"


def test_connecting_anew(api: Api) -> None:
    """With nothing said, a confidential client's configuration and secret are kept."""
    given = {"client_id": "client_secret_basic", "client_secret": SECRET}
    browse(api.begin("AGAIN", **given))
    request = wire.ConnectOAuth(key="AGAIN")
    flow = api.client.send(calls.connect_oauth(request))
    browse(flow, who="bob")
    assert api.follow(flow).state == "connected"
    assert api.client.send(calls.refresh_oauth("AGAIN")).refresh_count == 1


def test_client_credentials(api: Api) -> None:
    """Nobody is asked."""
    given = {"client_id": "client_secret_post", "client_secret": SECRET, "scopes": ["api"]}
    flow = api.begin("OWN", grant="client_credentials", token_auth_method="post", **given)
    assert (flow.state, flow.kind, flow.authorization_url) == ("connected", "direct", "")
    given["client_secret"] = "wrong-s3cret"
    with pytest.raises(VaultError, match="invalid_client") as caught:
        api.begin("NOT_OWN", grant="client_credentials", token_auth_method="post", **given)
    assert "s3cret" not in str(caught.value)


def test_a_device(api: Api) -> None:
    """A code that a person confirms elsewhere, at the provider's pace."""
    flow = api.begin("DEVICE", grant="device_code")
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", flow.user_code)

    async def confirm() -> str:
        async with Person() as person:
            return await person.agree(flow.verification_uri_complete)

    assert "Sign-in Success" in asyncio.run(confirm())
    assert api.follow(flow, 20).state == "connected"


def test_cancelling(worker: ThreadedWorker, api: Api) -> None:
    """Whoever waits hears of it, and the address is no login's any more."""
    flow = api.begin("CANCELLED")
    address, _ = browse(flow, opens=False)
    assert api.client.send(calls.cancel_flow(flow.id)).state == "cancelled"
    assert api.follow(flow, 0).state == "cancelled"
    assert worker.ask("GET", address.removeprefix(f"http://{worker.api}")).status == 404


def test_only_those_who_may_connect_it(worker: ThreadedWorker, api: Api) -> None:
    """A flow is shown to, completed and given up by members of its vault alone."""
    flow = api.begin("RIGHTS")
    created = {}
    for role in ("proxy", "member"):
        grant = [wire.AgentVault(vault_name="default", vault_role=role)]
        agent = api.client.send(calls.create_agent(f"flow-{role}", vaults=grant))
        created[role] = worker.tcp_client(agent.av_agent_token)
    body = wire.ConnectOAuth(key="MORE", issuer=api.issuer, client_id="public")
    for call in (
        calls.flow(flow.id),
        calls.complete_flow(flow.id, "code"),
        calls.cancel_flow(flow.id),
        calls.connect_oauth(body),
        calls.discover_issuer(api.issuer),
    ):
        with pytest.raises(VaultError) as caught:
            created["proxy"].send(call)
        assert caught.value.code == "role_forbidden"
        with pytest.raises(VaultError) as caught:
            worker.tcp_client().send(call)
        assert caught.value.code == "unauthorized"
    assert created["member"].send(calls.flow(flow.id)).state == "pending"
    own = created["member"].send(calls.connect_oauth(body))
    browse(own)
    assert api.follow(own).state == "connected"


def test_the_public_protocols_body(worker: ThreadedWorker, api: Api) -> None:
    """The fields that clients of the public protocol send; its answer among ours."""
    token = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    body = {
        "vault": "default",
        "key": "PUBLIC_PROTOCOL",
        "authorization_url": f"{api.issuer}/auth",
        "token_url": f"{api.issuer}/token",
        "client_id": "client_secret_post",
        "client_secret": SECRET,
        "scopes": "openid email",
        "scope_separator": " ",
        "disable_pkce": False,
    }
    answer = worker.ask("POST", CONNECT, token=token, body=body)
    assert answer.status == 200
    flow = api.follow(wire.OAuthFlow(**answer.json), 0)
    assert answer.json["authorization_url"] == flow.authorization_url
    _, page = browse(flow)
    assert "Signed in" in page


def test_providers_and_discovery(worker: ThreadedWorker, api: Api) -> None:
    """What a dialog needs to know before it asks for a client."""
    found = {one.id: one for one in worker.tcp_client().send(calls.providers()).providers}
    assert not found["anthropic"].needs_client
    assert found["anthropic"].redirect_uri == "http://localhost:54545/callback"
    assert found["github"].needs_secret
    assert found["github"].has_device_codes
    assert all(one.obtain for one in found.values())
    issuer = api.client.send(calls.discover_issuer(api.issuer))
    assert issuer.token_url == f"{api.issuer}/token"
    assert issuer.scopes == ["openid", "email", "offline_access"]


def test_how_long_to_wait(worker: ThreadedWorker, api: Api) -> None:
    """A bounded number of seconds."""
    flow = api.begin("WAITING")
    for wait in (-1, 61):
        with pytest.raises(VaultError) as caught:
            api.follow(flow, wait)
        assert caught.value.code == "bad_request"


def test_the_guard_holds(tmp_path: Path) -> None:
    """Without the switch, neither discovery nor a token endpoint may be on this machine."""
    running = ThreadedWorker(tmp_path / "home").start()
    try:
        running.init()
        client = running.client()
        for fields in (
            {"issuer": "http://127.0.0.1:9"},
            {"token_url": "http://127.0.0.1:9/", "authorization_url": "https://x.test/"},
        ):
            request = wire.ConnectOAuth(key="K", client_id="cli", **fields)
            with pytest.raises(VaultError) as caught:
                client.send(calls.connect_oauth(request))
            assert caught.value.code == "bad_request"
        request = wire.ConnectOAuth(
            key="K",
            client_id="cli",
            client_secret="s3cret",
            token_url="https://127.0.0.1:9/",
            grant="client_credentials",
        )
        with pytest.raises(VaultError, match="address_blocked"):
            client.send(calls.connect_oauth(request))
    finally:
        running.stop()
