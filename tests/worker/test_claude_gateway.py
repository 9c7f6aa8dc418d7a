"""Claude Code's gateway protocol over real sockets: every endpoint, as the program asks for it."""

import hashlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import trustme

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import DEVICE_GRANT
from proxy_core.domain.events import Event
from proxy_core.services.events import Follow
from tests.worker.harness import ThreadedWorker

SECRET = "sk-ant-real-0123456789"
SETTINGS = {"permissions": {"deny": ["WebFetch"]}, "env": {"Ä": "1"}, "b": 1}


class Upstream(BaseHTTPRequestHandler):
    """Takes the real credential alone; tells the path that it was asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        known = self.headers["x-api-key"] == SECRET and "Authorization" not in self.headers
        body = json.dumps({"path": self.path, "data": [{"id": "claude-x-1"}]}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("anthropic-ratelimit-unified-status", "allowed")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Gateway:
    """A worker whose gateway leads to the upstream, on a clock that the tests move."""

    def __init__(self, worker: ThreadedWorker) -> None:
        self.worker = worker
        self.app = worker.running.app.claude_gateway
        self.clock = FakeClock(time.time())
        worker.running.app._context.clock = self.clock
        self.base = f"http://{worker.running.facts.proxy}/anthropic"
        # Connections end with their tokens, so each request has its own.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(trust_env=False, timeout=30, limits=alone)
        self.client = worker.client()

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        """A form, as Claude Code sends it."""
        named = {"User-Agent": "claude-code/2.1.330", **(headers or {})}
        return self.http.post(self.base + path, data=form, headers=named)

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.get(self.base + path, headers=headers)

    def begin(self) -> dict[str, Any]:
        """A device asks to sign in."""
        found: dict[str, Any] = self.post(
            "/oauth/device_authorization", surface="claude_code"
        ).json()
        return found

    def poll(self, device: dict[str, Any]) -> httpx.Response:
        """It asks for its tokens, after the time that it should wait."""
        self.clock.advance(5)
        return self.poll_now(device)

    def poll_now(self, device: dict[str, Any]) -> httpx.Response:
        code = device["device_code"]
        return self.post("/oauth/token", grant_type=DEVICE_GRANT, device_code=code)

    def sign_in(self, **options: str) -> dict[str, Any]:
        """A whole sign-in; answers the tokens."""
        device = self.begin()
        self.client.send(calls.approve_device(device["user_code"], **options))
        found: dict[str, Any] = self.poll(device).json()
        return found

    def refresh(self, token: str) -> httpx.Response:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token)

    def message(self, token: str) -> httpx.Response:
        """What all of it is for."""
        return self.post("/v1/messages?beta=true", {"Authorization": f"Bearer {token}"}, a="b")

    def events(self, type: str) -> list[Event]:
        found = self.worker.in_loop(self.worker.running.app.bus._read, 0, Follow()).events
        return [event for event in found if event.type == type]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A worker for which api.anthropic.com is on this machine."""
    place = tmp_path_factory.mktemp("gateway")
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.anthropic.com").configure_cert(context)
    ca.cert_pem.write_to_path(str(place / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    worker = ThreadedWorker(
        place / "home",
        connect_to=(f"api.anthropic.com:443:127.0.0.1:{server.server_port}",),
        upstream_ca=(place / "ca.pem",),
        public_url="https://vault.example.com",
    ).start()
    worker.init()
    client = worker.client()
    client.send(calls.set_credentials({"ANTHROPIC": SECRET}))
    auth = {"type": "api-key", "key": "ANTHROPIC", "header": "x-api-key"}
    service = {"name": "claude", "host": "api.anthropic.com", "auth": auth}
    other = {"name": "other", "host": "api.example.com", "auth": {"type": "passthrough"}}
    gateways = (
        {**service, "gateway": {"prefix": "anthropic"}},
        {**other, "gateway": {"prefix": "x"}},
    )
    client.send(calls.upsert_services(list(gateways)))
    client.send(calls.change_settings({"unlock_minutes": 720}))
    found = Gateway(worker)
    yield found
    found.http.close()
    worker.stop()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def afresh(gateway: Gateway) -> None:
    """What an earlier test has asked for is no matter of the limits."""
    gateway.clock.advance(600)


def test_discovery(gateway: Gateway) -> None:
    """All endpoints are on the origin that the client uses, TLS before the worker or not."""
    found = gateway.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == gateway.base
    assert found["device_authorization_endpoint"] == gateway.base + "/oauth/device_authorization"
    assert found["token_endpoint"] == gateway.base + "/oauth/token"
    assert found["revocation_endpoint"] == gateway.base + "/oauth/revoke"
    assert found["grant_types_supported"] == [DEVICE_GRANT, "refresh_token"]
    assert "authorization_endpoint" not in found
    public = gateway.get("/.well-known/oauth-authorization-server", Host="vault.example.com").json()
    assert public["issuer"] == "https://vault.example.com/anthropic"
    assert gateway.http.head(gateway.base + "/api/hello").status_code == 200


def test_only_where_it_leads_to_anthropic(gateway: Gateway) -> None:
    """Anywhere else Claude Code comes as far as to what it shows: that nobody signs in here."""
    named = {"User-Agent": "claude-code/2.1.330"}
    metadata = "/.well-known/oauth-authorization-server"
    for path, says in (
        ("/x", "has the gateway prefix x."),
        ("/nowhere/v1", "has the gateway prefix nowhere."),
        ("", "ends with a prefix, which is missing: /anthropic"),
    ):
        base = gateway.base.replace("/anthropic", path)
        found = gateway.http.get(base + metadata, headers=named)
        assert (found.status_code, found.json()) == (200, {})
        others = gateway.http.get(base + metadata)
        device = gateway.http.post(base + "/oauth/device_authorization", data={"a": "b"})
        for refusal in (others, device):
            assert refusal.status_code == 404
            assert refusal.json()["error"] == "invalid_request"
            assert says in refusal.json()["error_description"]
            assert "`vault-tui setup claude-code --mode gateway`" in refusal.text
            assert len(refusal.json()["error_description"]) <= 300


def test_whoever_has_a_token_is_told_of_it(gateway: Gateway) -> None:
    """Elsewhere the paths of a sign-in are the upstream's, and none of ours without one either."""
    base = gateway.base.replace("/anthropic", "/x")
    bad = {"Authorization": "Bearer vt_agt_" + "0" * 64}
    assert gateway.http.post(base + "/oauth/token", headers=bad).status_code == 401
    for path in ("/oauth/token", "/device", "/v1/messages"):
        assert gateway.http.get(base + path).status_code == 401


def test_a_device_signs_in_once_an_operator_approves(gateway: Gateway) -> None:
    """It waits, gets its pair, and sends messages; its code is good once."""
    device = gateway.begin()
    assert (device["expires_in"], device["interval"]) == (600, 5)
    assert len(device["login_notice"]) <= 500
    assert device["verification_uri"] == gateway.base + "/device"
    (request,) = gateway.client.send(calls.device_requests()).requests
    assert (request.code, request.client) == (device["user_code"], "claude-code/2.1.330")
    assert (request.address, request.agent) == ("127.0.0.1", "claude-127-0-0-1")
    pending = gateway.poll(device)
    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    resolved = gateway.client.send(
        calls.approve_device(device["user_code"].lower().replace("-", ""), email="ada@example.com")
    )
    assert (resolved.outcome, resolved.agent) == ("approved", "ada")
    answer = gateway.poll(device)
    assert answer.headers["cache-control"] == "no-store"
    pair = answer.json()
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 3600)
    assert pair["email"] == "ada@example.com"
    message = gateway.message(pair["access_token"])
    assert (message.status_code, message.json()["path"]) == (200, "/v1/messages?beta=true")
    assert gateway.poll(device).json()["error"] == "expired_token"
    (agent,) = [one for one in gateway.client.send(calls.agents()).agents if one.name == "ada"]
    assert [(grant.vault_name, grant.vault_role) for grant in agent.vaults] == [
        ("default", "proxy")
    ]
    told = [event.data for event in gateway.events("device.requested")]
    names = {one["id"]: (one["name"], one["address"]) for one in told}
    assert names[device["user_code"]] == ("claude-code/2.1.330", "127.0.0.1")
    actions = [entry.action for entry in gateway.client.send(calls.audit()).entries]
    assert "device.approved" in actions


def test_asking_too_soon_slows_a_device_down(gateway: Gateway) -> None:
    """Five seconds more each time."""
    device = gateway.begin()
    gateway.poll(device)
    for seconds in (10, 15):
        refused = gateway.poll_now(device)
        assert (refused.status_code, refused.json()["error"]) == (400, "slow_down")
        assert f"every {seconds} seconds" in refused.json()["error_description"]
    gateway.clock.advance(14)
    assert gateway.poll_now(device).json()["error"] == "slow_down"
    gateway.clock.advance(20)
    assert gateway.poll_now(device).json()["error"] == "authorization_pending"


def test_a_denied_device_is_told_so(gateway: Gateway) -> None:
    """And the audit knows."""
    device = gateway.begin()
    gateway.client.send(calls.deny_device(device["user_code"]))
    assert gateway.poll(device).json()["error"] == "access_denied"
    assert gateway.client.send(calls.device_requests()).requests == []
    (first, *_) = gateway.client.send(calls.audit(action="device")).entries
    assert first.action == "device.denied"


def test_nobody_answers_in_time(gateway: Gateway) -> None:
    """The code has expired, for the device and for the operator."""
    device = gateway.begin()
    gateway.clock.advance(600)
    assert gateway.poll(device).json()["error"] == "expired_token"
    with pytest.raises(VaultError) as caught:
        gateway.client.send(calls.approve_device(device["user_code"]))
    assert caught.value.code == "not_found"


def test_what_is_sent_wrongly(gateway: Gateway) -> None:
    """In RFC 6749's words; what is unknown does no harm."""
    for form, error in (
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": DEVICE_GRANT}, "invalid_request"),
        ({"grant_type": DEVICE_GRANT, "device_code": "x", "new": "1"}, "expired_token"),
    ):
        answer = gateway.post("/oauth/token", **form)
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    twice = gateway.http.post(gateway.base + "/oauth/token", content=b"grant_type=a&grant_type=b")
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")


def test_refreshing_rotates(gateway: Gateway) -> None:
    """A new pair; the access token before it stays good, a late second use ends all."""
    first = gateway.sign_in()
    second = gateway.refresh(first["refresh_token"]).json()
    for pair in (first, second):
        assert gateway.message(pair["access_token"]).status_code == 200
    again = gateway.refresh(first["refresh_token"])  # another process, in the same moment
    assert again.status_code == 200
    gateway.clock.advance(31)
    stolen = gateway.refresh(first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (401, "invalid_grant")
    ended = gateway.refresh(second["refresh_token"])
    assert (ended.status_code, ended.json()["error"]) == (401, "invalid_grant")
    refused = gateway.message(second["access_token"])
    assert (refused.status_code, refused.headers["x-should-retry"]) == (401, "false")
    assert refused.json()["error"]["type"] == "authentication_error"


def test_an_access_token_refreshes_nothing(gateway: Gateway) -> None:
    """Nor does a refresh token send messages."""
    pair = gateway.sign_in()
    assert gateway.refresh(pair["access_token"]).status_code == 401
    assert gateway.message(pair["refresh_token"]).status_code == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_signing_out(gateway: Gateway, kind: str) -> None:
    """RFC 7009: either token ends both, and an unknown one is no error."""
    pair = gateway.sign_in()
    for _ in range(2):
        assert gateway.post("/oauth/revoke", token=pair[kind]).status_code == 200
    assert gateway.message(pair["access_token"]).status_code == 401
    assert gateway.refresh(pair["refresh_token"]).status_code == 401
    assert gateway.post("/oauth/revoke").status_code == 400


def test_signing_out_is_answered_on_a_connection_that_ends_with_it(gateway: Gateway) -> None:
    """The device hears that it has succeeded."""
    pair = gateway.sign_in()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    with httpx.Client(trust_env=False, timeout=30, headers=headers) as kept:
        assert kept.get(gateway.base + "/v1/models").status_code == 200
        token = {"token": pair["refresh_token"]}
        assert kept.post(gateway.base + "/oauth/revoke", data=token).status_code == 200


def test_off_boarding(gateway: Gateway) -> None:
    """Revoking a device, or deleting its agent, ends its tokens; the next refresh says so."""
    device = gateway.begin()
    resolved = gateway.client.send(calls.approve_device(device["user_code"], agent="laptop"))
    pair = gateway.poll(device).json()
    other = gateway.sign_in(agent="laptop")
    known = {one.id: one for one in gateway.client.send(calls.devices()).devices}
    assert (known[resolved.device].agent, known[resolved.device].signed_in) == ("laptop", True)
    gateway.client.send(calls.revoke_device(resolved.device))
    assert gateway.message(pair["access_token"]).status_code == 401
    refused = gateway.refresh(pair["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_grant")
    assert gateway.message(other["access_token"]).status_code == 200
    gateway.client.send(calls.delete_agent("laptop"))
    assert gateway.message(other["access_token"]).status_code == 401
    assert gateway.refresh(other["refresh_token"]).status_code == 401


def test_an_agents_grant_is_its_devices(gateway: Gateway) -> None:
    """Of several vaults a device has the one that it was approved for; an end of that counts."""
    gateway.client.send(calls.create_vault("work"))
    vaults = [wire.AgentVault(vault_name=name) for name in ("default", "work")]
    gateway.client.send(calls.create_agent("both", vaults=vaults))
    pair = gateway.sign_in(agent="both")
    assert gateway.message(pair["access_token"]).status_code == 200
    gateway.client.send(calls.remove_vault_agent("default", "both"))
    assert gateway.message(pair["access_token"]).status_code == 403
    gateway.client.send(calls.add_vault_agent("default", "both"))
    assert gateway.message(pair["access_token"]).status_code == 200
    device = gateway.begin()
    gateway.client.send(calls.remove_vault_agent("default", "both"))
    with pytest.raises(VaultError) as caught:
        gateway.client.send(calls.approve_device(device["user_code"], agent="both"))
    assert caught.value.code == "vault_forbidden"


def test_new_agents_get_names_that_are_free(gateway: Gateway) -> None:
    """The address's, then with a number."""
    names = []
    for _ in range(2):
        device = gateway.begin()
        names.append(gateway.client.send(calls.approve_device(device["user_code"])).agent)
    first, second = names
    assert first.startswith("claude-127-0-0-1")
    assert second != first


def test_the_page_approves_nothing(gateway: Gateway) -> None:
    """It tells where that is done, and the state; without form, script, or another's style."""
    device = gateway.begin()
    page = httpx.get(device["verification_uri_complete"], trust_env=False)
    assert page.status_code == 200
    assert f"vault-tui device approve {device['user_code']}" in page.text
    assert "waits for an operator" in page.text
    for word in ("<form", "<script", "<input", "http://", "https://"):
        assert word not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    posted = gateway.post("/device", user_code=device["user_code"])
    assert "waits for an operator" in posted.text
    gateway.client.send(calls.approve_device(device["user_code"]))
    assert "is approved" in gateway.get(f"/device?user_code={device['user_code']}").text
    assert gateway.get("/device?user_code=BBBB-BBBB").status_code == 404
    assert gateway.get("/device").status_code == 200


def test_a_hostile_client_name_is_only_text(gateway: Gateway) -> None:
    """On the page and in the list."""
    named = {"User-Agent": "<script>alert(1)</script>"}
    device = gateway.post("/oauth/device_authorization", named, a="b").json()
    page = gateway.get(f"/device?user_code={device['user_code']}")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_an_address_asks_so_often(gateway: Gateway) -> None:
    """For sign-ins and for pages."""
    for _ in range(20):
        gateway.begin()
    refused = gateway.post("/oauth/device_authorization", a="b")
    assert (refused.status_code, refused.json()["error"]) == (429, "slow_down")
    assert int(refused.headers["retry-after"]) > 0
    for _ in range(60):
        assert gateway.get("/device").status_code == 200
    assert gateway.get("/device").status_code == 429


def test_managed_settings(gateway: Gateway) -> None:
    """None is 404; a document with its checksum; 304 for who has it; an end."""
    token = gateway.sign_in()["access_token"]
    assert gateway.get("/managed/settings").status_code == 401
    none = gateway.get("/managed/settings", token)
    assert (none.status_code, none.json()["error"]["type"]) == (404, "not_found_error")
    gateway.client.send(calls.put_claude_settings(SETTINGS))
    found = gateway.get("/managed/settings", token)
    text = '{"b":1,"env":{"Ä":"1"},"permissions":{"deny":["WebFetch"]}}'
    checksum = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert found.json()["settings"] == SETTINGS
    assert (found.json()["checksum"], found.headers["etag"]) == (checksum, f'"{checksum}"')
    kept = gateway.get("/managed/settings", token, **{"If-None-Match": f'"{checksum}"'})
    assert (kept.status_code, kept.content) == (304, b"")
    for other in ('"sha256:00"', "*"):
        again = gateway.get("/managed/settings", token, **{"If-None-Match": other})
        assert again.status_code == 200
    changed = gateway.client.send(calls.put_claude_settings({}))
    assert changed.uuid != found.json()["uuid"]
    assert gateway.get("/managed/settings", token).json()["settings"] == {}
    gateway.client.send(calls.delete_claude_settings())
    assert gateway.get("/managed/settings", token).status_code == 404


def test_models(gateway: Gateway) -> None:
    """The upstream's, or by setting none."""
    token = gateway.sign_in()["access_token"]
    assert gateway.get("/v1/models", token).json()["data"] == [{"id": "claude-x-1"}]
    gateway.client.send(calls.change_settings({"gateway_models": False}))
    assert gateway.get("/v1/models", token).status_code == 404
    gateway.client.send(calls.change_settings({"gateway_models": None}))


def test_telemetry_is_taken_and_dropped(gateway: Gateway) -> None:
    """In either encoding, as large as it comes, from who is signed in; nothing goes upstream."""
    token = gateway.sign_in()["access_token"]
    for signal in ("metrics", "logs", "traces"):
        for kind, body in (("application/json", b"{}"), ("application/x-protobuf", b"")):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
            url = f"{gateway.base}/v1/{signal}"
            found = gateway.http.post(url, content=b"x" * 290_000, headers=headers)
            assert (found.status_code, found.content) == (200, body)
            assert found.headers["content-type"] == kind
    assert gateway.post("/v1/metrics", a="b").status_code == 401


def test_usage_and_counting_tokens_are_the_upstreams(gateway: Gateway) -> None:
    """Where the account is no pool's."""
    token = gateway.sign_in()["access_token"]
    assert gateway.get("/api/oauth/usage", token).json()["path"] == "/api/oauth/usage"
    headers = {"Authorization": f"Bearer {token}"}
    counted = gateway.post("/v1/messages/count_tokens", headers, a="b")
    assert counted.json()["path"] == "/v1/messages/count_tokens"


def test_no_token_is_kept_in_the_clear(gateway: Gateway) -> None:
    """Neither in the database, nor in events or the audit."""
    pair = gateway.sign_in()
    gateway.refresh(pair["refresh_token"])
    stored = b"".join(
        path.read_bytes() for path in gateway.worker.config.home.path.rglob("*") if path.is_file()
    )
    told = str(gateway.worker.in_loop(gateway.worker.running.app.bus._read, 0, Follow()).events)
    for token in (pair["access_token"], pair["refresh_token"]):
        assert token.encode() not in stored
        assert token not in told
