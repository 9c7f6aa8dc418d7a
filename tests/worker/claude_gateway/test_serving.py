"""What a device that is signed in gets: settings, models, its account's usage."""

import hashlib

from proxy_core.client import calls
from tests.worker.claude_gateway.rig import Gateway

SETTINGS = {"permissions": {"deny": ["WebFetch"]}, "env": {"Ä": "1"}, "b": 1}


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
