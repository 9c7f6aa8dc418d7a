"""No endpoint tells a secret to those who may only use it: not in a body, not in a header."""

import base64
import secrets
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault
from tests.worker.harness import PASSWORD, Answer, ThreadedWorker
from tests.worker.matrix import TABLE, Row

QUERIES = (
    "",
    "vault=default&reveal=true",
    "vault=default&reveal=true&key=STATIC_KEY&email=ada&removed=true",
)
AUTH = {"type": "bearer", "token": "STATIC_KEY"}
CLIENT = {
    "authorization_url": "https://login.example.com/authorize",
    "token_url": "https://login.example.com/token",
    "client_id": "client",
}


class Hoard:
    """A worker with marked secrets wherever one can be stored, and who may not see them."""

    def __init__(self, worker: ThreadedWorker) -> None:
        self.worker = worker
        self.secrets: dict[str, str] = {"the master password": PASSWORD}
        self.known = {"vault": ["default"], "key": ["STATIC_KEY", "OAUTH_KEY"], "number": ["1"]}
        self.known |= {"name": ["seeded", "other-agent"], "agent": ["other-agent"]}
        self.known["email"] = ["ada", "me"]
        self.operator = str(worker.in_loop(worker.running.app.operators.open, None, "op").token)
        self.tokens = self._callers()
        self._fill()

    def mark(self, what: str) -> str:
        """A new secret, to be recognised wherever it turns up."""
        made = self.secrets[what] = "MARKED" + secrets.token_hex(16)
        return made

    def store(self, path: str, body: Any, token: str = "") -> Any:
        """Store something; answers what the worker says to that."""
        answer = self.worker.ask("POST", path, token=token or self.operator, body=body)
        assert answer.status in {200, 201}, (path, answer.body)
        return answer.json

    def _callers(self) -> dict[str, str]:
        client = self.worker.client()
        grant = [AgentVault(vault_name="default", vault_role="proxy")]
        agent = client.send(calls.create_agent("asking-agent", vaults=grant)).av_agent_token
        grant = [AgentVault(vault_name="default", vault_role="admin")]
        owner = client.send(calls.create_agent("asking-owner", role="owner", vaults=grant))
        self.worker.add_user("asking-user", default="proxy")
        return {
            "agent": agent,
            "owner": owner.av_agent_token,
            "session": client.send(calls.create_session("default")).token,
            "user": self.worker.sign_in("asking-user"),
        }

    def _fill(self) -> None:
        credentials = "/v1/credentials"
        for version in ("an old value", "a value"):
            self.store(credentials, {"credentials": {"STATIC_KEY": self.mark(version)}})
        service = {"name": "seeded", "host": "api.example.com", "auth": AUTH}
        self.store("/v1/vaults/default/services", {"services": [service]})
        pasted = {"key": "OAUTH_KEY", "access_token": self.mark("an access token"), **CLIENT}
        del pasted["authorization_url"]
        self.store(
            f"{credentials}/oauth/tokens", {**pasted, "client_secret": self.mark("a client")}
        )
        wanted = {"key": "FLOW_KEY", **CLIENT, "client_secret": self.mark("a flow's client")}
        self.known["flow_id"] = [self.store(f"{credentials}/oauth/connect", wanted)["id"]]
        tokens = {"access_token": "sk-ant-oat01-" + self.mark("an account's token")}
        account = {"provider": "claude", "tokens": tokens, "nickname": "seeded"}
        self.store("/v1/accounts", account)
        self._make_people()

    def _make_people(self) -> None:
        other = self.store(
            "/v1/agents",
            {"name": "other-agent", "vaults": [{"vault_name": "default", "vault_role": "proxy"}]},
        )["av_agent_token"]
        self.secrets["another agent's token"] = other
        self.secrets["an operator's token"] = self.operator
        made = self.store("/v1/sessions", {"vault": "default"})
        self.secrets["another session's token"] = made["token"]
        self.known["session_id"] = [made["id"]]
        invite = self.store("/v1/users/invites", {"email": "invited"})
        self.secrets["an invite's token"] = invite["token"]
        self.store("/v1/users", {"email": "ada", "password": self.mark("a user's password")})
        hook = {"url": "https://hooks.example.com/" + self.mark("a webhook's address")}
        added = self.store("/v1/webhooks", hook)
        self.secrets["a webhook's key"] = added["secret"]
        self.known["webhook_id"] = [added["webhook"]["id"]]
        slot = {"action": "set", "key": "PROPOSED", "value": self.mark("a proposed value")}
        proposed = self.store("/v1/proposals", {"credentials": [slot]}, other)
        self.secrets["an approval's address"] = proposed["approval_url"].rpartition("token=")[2]

    def found_in(self, answer: Answer) -> list[str]:
        """Which secrets an answer tells, in any of the ways in which they could be written."""
        text = answer.body + repr(answer.headers).encode()
        return [what for what, secret in self.secrets.items() if any(_spelt(secret, text))]


def _spelt(secret: str, text: bytes) -> Iterator[bool]:
    raw = secret.encode()
    yield raw in text
    yield raw.hex().encode() in text
    for shift in range(3):  # base64 of a text around it begins at one of three places
        whole = base64.b64encode(b"." * shift + raw)
        inner = whole[4 if shift else 0 : -4]
        yield inner in text or inner.translate(bytes.maketrans(b"+/", b"-_")) in text


@pytest.fixture(scope="module")
def hoard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hoard]:
    """A worker of its own."""
    worker = ThreadedWorker(tmp_path_factory.mktemp("hoard") / "home").start()
    worker.init()
    yield Hoard(worker)
    worker.stop()


def paths(hoard: Hoard, row: Row) -> Iterator[str]:
    """A row's paths with everything that is there filled in."""
    parts = [
        hoard.known.get(part[1:-1], ["not-there"]) if part.startswith("{") else [part]
        for part in row.path.split("/")
    ]
    for filled in product(*parts):
        yield "/".join(filled)


def test_the_search_finds_what_is_told(hoard: Hoard) -> None:
    """Whoever may reveal does get the value, so the others' answers are searched in earnest."""
    url = "/v1/credentials?vault=default&reveal=true&key=STATIC_KEY"
    told = hoard.worker.ask("GET", url, token=hoard.operator)
    assert hoard.found_in(told) == ["a value"]
    encoded = base64.b64encode(b"user:" + hoard.secrets["a value"].encode())
    assert hoard.found_in(Answer(200, {}, encoded)) == ["a value"]


@pytest.mark.parametrize("caller", ["agent", "session", "user", "nobody"])
def test_reading_tells_no_secret(hoard: Hoard, caller: str) -> None:
    """Every GET, of whatever is there and with every wish to reveal: no secret of anybody's."""
    token, asked = hoard.tokens.get(caller, ""), 0
    for row in TABLE:
        if row.method != "GET":
            continue
        for path, query in product(paths(hoard, row), QUERIES):
            answer = hoard.worker.ask("GET", f"{path}?{query}", token=token)
            assert answer.status < 500, (path, query, answer.body)
            assert hoard.found_in(answer) == [], (path, query)
            asked += 1
    assert asked > 150


def test_an_owner_is_told_none_unasked(hoard: Hoard) -> None:
    """Nor does anything but the wish to reveal show one to an agent that may do nearly all."""
    for row in TABLE:
        if row.method == "GET" and row.path != "/v1/events":  # those never end
            for path in paths(hoard, row):
                answer = hoard.worker.ask("GET", path, token=hoard.tokens["owner"])
                assert hoard.found_in(answer) == [], path


@pytest.mark.parametrize("caller", ["agent", "session", "user", "nobody"])
def test_refusals_tell_no_secret(hoard: Hoard, caller: str) -> None:
    """Whatever is sent about what is there: no answer holds a secret."""
    token = hoard.tokens.get(caller, "")
    for row in TABLE:
        if row.method == "GET" or row.harms:
            continue
        for path in paths(hoard, row):
            answer = hoard.worker.ask(row.method, path, token=token, body=row.body)
            assert hoard.found_in(answer) == [], path


def test_a_malformed_body_is_not_repeated(hoard: Hoard) -> None:
    """What an operator sends in the wrong place does not come back in the error."""
    sent = hoard.mark("what was sent")
    bodies = (
        dict.fromkeys(("credentials", "tokens", "secret", "value", "password", "url"), sent),
        {"credentials": {"KEY": [sent]}, "tokens": [sent], "access_token": {sent: 1}},
        [sent],
        sent,
    )
    for row, body in product(TABLE, bodies):
        if row.method == "GET" or row.harms or row.body is None:
            continue
        answer = hoard.worker.ask(row.method, row.url, token=hoard.operator, body=body)
        assert hoard.found_in(answer) == [], (row, answer.body)
