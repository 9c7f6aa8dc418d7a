"""A device finds the gateway, asks to sign in, and is approved, denied or forgotten."""

import httpx
import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.claude_gateway import DEVICE_GRANT
from tests.worker.claude_gateway.rig import Gateway


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
    page = httpx.get(device["verification_uri_complete"], trust_env=False, timeout=30)
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
