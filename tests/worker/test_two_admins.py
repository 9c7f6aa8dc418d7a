"""Two people who decide about the same thing in the same moment: one does, the other is told."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from proxy_core.client import calls
from tests.worker.harness import Answer, ThreadedWorker

VAULT = "decided-at-once"
ROUNDS = 4


@pytest.fixture(scope="module")
def admins(worker: ThreadedWorker) -> dict[str, str]:
    """Two users who administer the vault, and their tokens."""
    worker.client().send(calls.create_vault(VAULT))
    for name in ("ada", "grace"):
        worker.add_user(name, **{VAULT: "admin"})
    return {name: worker.sign_in(name) for name in ("ada", "grace")}


def propose(worker: ThreadedWorker, key: str) -> int:
    """A pending proposal for a credential whose value the person who approves has to give."""
    token = worker.client().send(calls.create_session(VAULT)).token
    body = {"credentials": [{"action": "set", "key": key}]}
    made = worker.ask("POST", "/v1/proposals", token=token, body=body)
    assert made.status == 201, made.body
    return int(made.json["id"])


def at_once(
    worker: ThreadedWorker, tokens: dict[str, str], requests: dict[str, tuple[str, dict[str, Any]]]
) -> dict[str, Answer]:
    """Each person's request, sent in the same moment."""
    ready = Barrier(len(requests))

    def send(name: str) -> Answer:
        path, body = requests[name]
        ready.wait(30)
        return worker.ask("POST", path, token=tokens[name], body={"vault": VAULT, **body})

    with ThreadPoolExecutor(len(requests)) as pool:
        return dict(zip(requests, pool.map(send, requests), strict=True))


def check_told(loser: Answer, winner: str, status: str) -> None:
    """Whoever came second learns what was decided, by whom and that nothing of theirs was done."""
    assert loser.status == 409
    problem = loser.json
    assert (problem["error"], problem["proposal_status"]) == ("conflict", status)
    assert winner in problem["reviewed_by"]
    assert winner in problem["message"]


def test_one_approval_counts(worker: ThreadedWorker, admins: dict[str, str]) -> None:
    """Of two approvals with different values one is carried out, whole; the other is a 409."""
    for turn in range(ROUNDS):
        key = f"AT_ONCE_{turn}"
        path = f"/v1/admin/proposals/{propose(worker, key)}/approve"
        requests = {name: (path, {"credentials": {key: f"of-{name}"}}) for name in admins}
        answers = at_once(worker, admins, requests)
        winner, loser = sorted(admins, key=lambda name: answers[name].status)
        assert answers[winner].status == 200
        assert answers[winner].json["status"] == "applied"
        check_told(answers[loser], winner, "applied")
        shown = f"/v1/credentials?vault={VAULT}&reveal=true&key={key}"
        (stored,) = worker.ask("GET", shown, token=admins[loser]).json["credentials"]
        assert stored["value"] == f"of-{winner}"
        assert stored["version"] == 1


def test_an_approval_and_a_rejection_cannot_both_count(
    worker: ThreadedWorker, admins: dict[str, str]
) -> None:
    """Whichever comes first decides; the credential is there exactly if that was the approval."""
    for turn in range(ROUNDS):
        key = f"EITHER_{turn}"
        path = f"/v1/admin/proposals/{propose(worker, key)}"
        answers = at_once(
            worker,
            admins,
            {
                "ada": (f"{path}/approve", {"credentials": {key: "value"}}),
                "grace": (f"{path}/reject", {"reason": "not now"}),
            },
        )
        winner, loser = sorted(admins, key=lambda name: answers[name].status)
        assert answers[winner].status == 200
        status = {"ada": "applied", "grace": "rejected"}[winner]
        assert answers[winner].json["status"] == status
        check_told(answers[loser], winner, status)
        keys = worker.ask("GET", f"/v1/credentials?vault={VAULT}", token=admins["ada"]).json["keys"]
        assert (key in keys) == (status == "applied")


def test_the_same_person_may_send_it_twice(worker: ThreadedWorker, admins: dict[str, str]) -> None:
    """A repeated approval is told that it was done already, and does nothing more."""
    key = "SENT_TWICE"
    path = f"/v1/admin/proposals/{propose(worker, key)}/approve"
    body = {"vault": VAULT, "credentials": {key: "value"}}
    first, second = (worker.ask("POST", path, token=admins["ada"], body=body) for _ in range(2))
    assert first.json == {"id": first.json["id"], "status": "applied"}
    assert second.json == {**first.json, "already": True}
