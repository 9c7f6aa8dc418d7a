"""A device's pair of tokens: renewed, given back, taken away, and nowhere in the clear."""

import httpx
import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.services.events import Follow
from tests.worker.claude_gateway.rig import Gateway


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
