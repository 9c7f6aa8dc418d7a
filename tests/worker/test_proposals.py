"""Proposals over the API: shapes, roles, waiting, what the status tells."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from tests.worker.harness import PASSWORD, Answer, ThreadedWorker

BODY = {
    "services": [
        {
            "action": "set",
            "name": "stripe",
            "host": "api.stripe.com",
            "auth": {"type": "bearer", "token": "STRIPE_KEY"},
        }
    ],
    "credentials": [
        {
            "action": "set",
            "key": "STRIPE_KEY",
            "description": "Test mode key",
            "obtain": "https://dashboard.stripe.com/apikeys",
            "obtain_instructions": "Developers → API keys",
        }
    ],
    "message": "charge cards",
    "user_message": "I need Stripe to finish the checkout.",
}


def new_vault(worker: ThreadedWorker, name: str) -> str:
    """A vault of its own for a test."""
    worker.client().send(calls.create_vault(name))
    return name


def new_agent(worker: ThreadedWorker, name: str, *vaults: str, role: str = "proxy") -> str:
    """An agent's token."""
    grants = [wire.AgentVault(vault_name=vault, vault_role=role) for vault in vaults]
    return worker.client().send(calls.create_agent(name, vaults=grants)).av_agent_token


def post(worker: ThreadedWorker, token: str, body: Any = None, **more: Any) -> Answer:
    """Raise a proposal as a program would."""
    return worker.ask("POST", "/v1/proposals", token=token, body=body or BODY, **more)


def test_an_agents_loop(worker: ThreadedWorker) -> None:
    """Raise, list, wait; an operator approves; the wait ends with what was applied."""
    new_vault(worker, "loop")
    token = new_agent(worker, "looper", "loop")
    made = post(worker, token)
    assert made.status == 201
    assert made.json.keys() == {"id", "status", "vault", "approval_url", "message"}
    assert (made.json["id"], made.json["status"], made.json["vault"]) == (1, "pending", "loop")
    prefix = f"http://{worker.api}/approve/1?token=vt_appr_"
    assert made.json["approval_url"].startswith(prefix)
    (listed,) = worker.ask("GET", "/v1/proposals?status=pending", token=token).json["proposals"]
    assert {"id", "status", "message", "created_at"} <= listed.keys()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(worker.ask, "GET", "/v1/proposals/1?wait=9", token=token)
        body = {"vault": "loop", "credentials": {"STRIPE_KEY": "sk"}}
        approve = "/v1/admin/proposals/1/approve"
        done = worker.ask("POST", approve, body=body, tcp=False)
        assert done.json == {"id": 1, "status": "applied"}
        found = waiting.result(30).json
    assert found["status"] == "applied"
    assert found["credentials"][0]["obtain"] == BODY["credentials"][0]["obtain"]  # type: ignore[index]  # a document
    wanted = {"id", "status", "services", "credentials", "message", "review_note", "reviewed_at"}
    assert wanted | {"created_at"} <= found.keys()
    assert found["services"] == [
        {**BODY["services"][0], "enabled": True}  # type: ignore[dict-item]  # a document
    ]


def test_a_token_with_several_vaults_names_one(worker: ThreadedWorker) -> None:
    """400 without X-Vault; with it, or as a parameter, the vault named; no other vault's."""
    for name in ("one-of", "two-of", "foreign"):
        new_vault(worker, name)
    token = new_agent(worker, "several", "one-of", "two-of")
    refused = post(worker, token)
    assert (refused.status, refused.json["error"]) == (400, "vault_required")
    assert post(worker, token, headers={"X-Vault": "two-of"}).json["vault"] == "two-of"
    assert post(worker, token, headers={"X-Vault": "foreign"}).status == 403
    listed = worker.ask("GET", "/v1/proposals", token=token, headers={"X-Vault": "one-of"})
    assert listed.json == {"proposals": []}
    assert worker.ask("GET", "/v1/proposals/1?vault=two-of", token=token).status == 200
    assert worker.ask("GET", "/v1/proposals/1?vault=one-of", token=token).status == 404


def test_who_may_do_what(worker: ThreadedWorker) -> None:
    """Nobody: 401. Proxy role: raises and reads. Members decide, but not what they raised."""
    new_vault(worker, "roles")
    token = new_agent(worker, "lowly", "roles")
    member = new_agent(worker, "keeper", "roles", role="member")
    assert post(worker, "").status == 401
    assert post(worker, token).status == 201
    assert post(worker, member).status == 201
    admin = "/v1/admin/proposals"
    assert worker.ask("GET", f"{admin}?vault=roles", token=token).status == 403
    approve = {"vault": "roles", "credentials": {"STRIPE_KEY": "sk"}}
    for path, body in ((f"{admin}/1/approve", approve), (f"{admin}/1/reject", {"vault": "roles"})):
        answer = worker.ask("POST", path, token=token, body=body)
        assert (answer.status, answer.json["code"]) == (403, "role_forbidden")
    own = worker.ask("POST", f"{admin}/2/approve", token=member, body=approve)
    assert own.status == 403
    assert worker.ask("GET", f"{admin}/1?vault=roles", token=member).json["review"]["digest"]
    assert worker.ask("POST", f"{admin}/1/approve", token=member, body=approve).status == 200


def test_a_peer_looks_and_an_operator_decides(worker: ThreadedWorker) -> None:
    """The socket alone reads; approving takes an operator session."""
    new_vault(worker, "peering")
    post(worker, new_agent(worker, "peers-bot", "peering"))
    token = worker.client().send(calls.unlock("password", PASSWORD)).token
    worker.end_operators()
    try:
        found = worker.client().send(calls.review_proposal(1, "peering"))
        assert found.message == "charge cards"
        with pytest.raises(VaultError) as caught:
            worker.client().send(calls.reject_proposal(1, "no", "peering"))
        assert caught.value.code == "operator_required"
        with pytest.raises(VaultError) as caught:
            worker.client(token).send(calls.reject_proposal(1, "no", "peering"))
        assert caught.value.code == "unauthorized"
    finally:
        worker.client().send(calls.unlock("password", PASSWORD))
    done = worker.client().send(calls.reject_proposal(1, "no", "peering"))
    assert done.status == "rejected"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"message": "x" * 2001}, "message"),
        ({"user_message": "x" * 5001}, "user_message"),
        ({"services": [BODY["services"][0]] * 11}, "at most 10"),
        ({"services": [{"host": "x.example.com"}]}, "auth"),
        ({"surprise": 1}, "surprise"),
        ({"credentials": [{"key": "lower"}]}, "UPPER_SNAKE_CASE"),
        ({"credentials": [{"key": "STRIPE_KEY", "value": ""}]}, "value"),
    ],
)
def test_refusals_have_the_contracts_shape(
    worker: ThreadedWorker, change: dict[str, Any], word: str
) -> None:
    """400 with error and message, whichever layer noticed."""
    token = new_agent(worker, f"wrong-{abs(hash(str(change)))}", "default")
    answer = post(worker, token, {**BODY, **change})
    assert (answer.status, answer.json["error"]) == (400, "bad_request")
    assert word in answer.json["message"]


def test_the_approvals_address_shows_and_decides_nothing(worker: ThreadedWorker) -> None:
    """Its token reads the details without any other proof, and is no token of the API."""
    new_vault(worker, "details")
    made = post(worker, new_agent(worker, "detailed", "details")).json
    token = made["approval_url"].partition("token=")[2]
    found = worker.ask("GET", f"/v1/proposals/approve-details?token={token}&id=1").json
    assert found["message"] == "charge cards"
    assert found["review"]["needs_value"] == ["STRIPE_KEY"]
    assert worker.ask("GET", f"/v1/proposals/approve-details?token={token}&id=2").status == 401
    assert worker.ask("GET", "/v1/proposals/approve-details?token=x&id=1").status == 401
    assert worker.ask("GET", "/v1/proposals", token=token).status == 401


def test_the_status_counts_what_waits(fresh_worker: ThreadedWorker) -> None:
    """`pending_proposals` follows each decision."""
    fresh_worker.init()
    token = new_agent(fresh_worker, "counted", "default")
    client = fresh_worker.client()
    for _ in range(2):
        assert post(fresh_worker, token).status == 201
    assert client.send(calls.status()).pending_proposals == 2
    client.send(calls.reject_proposal(1))
    assert client.send(calls.status()).pending_proposals == 1


def test_a_stopping_worker_lets_nobody_wait(initialised_home: Path) -> None:
    """A long poll does not hold the stop up."""
    worker = ThreadedWorker(initialised_home, password=bytearray(PASSWORD.encode())).start()
    worker.client().send(calls.unlock("password", PASSWORD))
    token = new_agent(worker, "waiter", "default")
    post(worker, token)
    with ThreadPoolExecutor() as pool:
        call = calls.proposal(1, wait=25)
        before = worker.in_loop(waiters, worker)
        waiting = pool.submit(worker.tcp_client(token).send, call)
        while worker.in_loop(waiters, worker) == before:
            pass
        worker.stop()
        assert waiting.result(30).status == "pending"


def waiters(worker: ThreadedWorker) -> int:
    """How many wait for events."""
    return len(worker.running.app.bus._waiting)


def test_typed_calls(worker: ThreadedWorker) -> None:
    """What the command line and the console send."""
    new_vault(worker, "typed")
    token = new_agent(worker, "typist", "typed")
    client, operator = worker.tcp_client(token), worker.client()
    slot = wire.ProposedCredential(key="API_KEY", value="agents")
    body = wire.CreateProposal(credentials=[slot], message="hello")
    made = client.send(calls.create_proposal(body))
    assert made.id == 1
    assert client.send(calls.proposals()).proposals[0].message == "hello"
    listed = operator.send(calls.admin_proposals("typed", "pending"))
    assert [one.id for one in listed.proposals] == [1]
    revealed = operator.send(calls.reveal_proposed(1, "API_KEY", "typed"))
    assert revealed.value == "agents"
    review = operator.send(calls.review_proposal(1, "typed")).review
    assert review is not None
    call = calls.approve_proposal(1, vault="typed", digest=review.digest)
    assert operator.send(call).status == "applied"
    assert client.send(calls.proposal(1)).status == "applied"
