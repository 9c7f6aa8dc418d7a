"""The API and browsers: no cookie says who somebody is, and no page can send a body."""

import pytest

from tests.worker.harness import ThreadedWorker


@pytest.fixture(scope="module")
def token(worker: ThreadedWorker) -> str:
    """An operator's."""
    return str(worker.in_loop(worker.running.app.operators.open, None, "tester").token)


@pytest.mark.parametrize("name", ["token", "session", "vault_tui", "Authorization", "access_token"])
def test_a_cookie_is_nobodys_proof(worker: ThreadedWorker, token: str, name: str) -> None:
    """A right token in a cookie is none, and no answer sets one."""
    for cookie in (f"{name}={token}", f"{name}=Bearer {token}"):
        answer = worker.ask("GET", "/v1/credentials", headers={"Cookie": cookie})
        assert answer.status == 401
        assert "set-cookie" not in answer.headers
    answer = worker.ask("GET", "/v1/credentials", token=token)
    assert (answer.status, "set-cookie" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
        "text/json",
        "",
    ],
)
def test_a_body_is_taken_as_json_only(worker: ThreadedWorker, token: str, kind: str) -> None:
    """What a form of another site could send is refused, though it reads as JSON."""
    body, headers = b'{"name": "from-a-form"}', {"Content-Type": kind} if kind else {}
    answer = worker.ask("POST", "/v1/vaults", token=token, body=body, headers=headers)
    assert (answer.status, answer.json["error"]) == (400, "bad_request")
    vaults = worker.ask("GET", "/v1/vaults", token=token).json["vaults"]
    assert "from-a-form" not in [vault["name"] for vault in vaults]
