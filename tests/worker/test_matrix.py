"""Every endpoint, asked by everybody."""

import http.client
import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault
from proxy_core.worker.routes import HANDLERS
from tests.worker.harness import Answer, ThreadedWorker
from tests.worker.matrix import ALIKE, EVERYONE, IN_VAULT, ON_SOCKET, ROLES, TABLE, Row, page

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


@dataclass
class Cast:
    """A worker, and a token for each role that has one."""

    worker: ThreadedWorker
    tokens: dict[str, str]
    documented: dict[tuple[str, str], set[int]]

    def ask(self, role: str, row: Row) -> Answer:
        """One request; of events the head alone, as they never end."""
        host, _, port = self.worker.api.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        if role in ON_SOCKET:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.worker.socket))
        fields = {}
        if self.tokens[role]:
            fields["Authorization"] = f"Bearer {self.tokens[role]}"
        if row.body is not None:
            fields["Content-Type"] = "application/json"
        data = None if row.body is None else json.dumps(row.body)
        try:
            connection.request(row.method, row.url, data, fields)
            response = connection.getresponse()
            endless = response.headers.get_content_type() == "text/event-stream"
            body = b"" if endless else response.read()
            return Answer(response.status, dict(response.getheaders()), body)
        finally:
            connection.close()


def agent_tokens(worker: ThreadedWorker) -> dict[str, str]:
    """One for each role that agents have."""
    client = worker.client()
    client.send(calls.create_vault("elsewhere"))
    granted = {role: AgentVault(vault_name="default", vault_role=role) for role in IN_VAULT}
    granted["elsewhere"] = AgentVault(vault_name="elsewhere", vault_role="admin")
    wanted = [(name, "no-access", [grant]) for name, grant in granted.items()]
    wanted += [("agent", "no-access", []), ("maker", "member", []), ("owner", "owner", [])]
    return {
        name: client.send(calls.create_agent(f"is-{name}", role=role, vaults=vaults)).av_agent_token
        for name, role, vaults in wanted
    }


@pytest.fixture(scope="module")
def cast(worker: ThreadedWorker) -> Cast:
    """One token for each role."""
    client = worker.client()
    tokens = {"anyone": "", "peer": "", **agent_tokens(worker)}
    tokens["session"] = client.send(calls.create_session("default")).token
    for name, role, vault in (
        ("user-nobody", "no-access", ""),
        ("user", "member", ""),
        ("user-owner", "owner", ""),
        ("user-proxy", "no-access", "proxy"),
        ("user-member", "no-access", "member"),
        ("user-admin", "no-access", "admin"),
    ):
        worker.add_user(name, role, **({"default": vault} if vault else {}))
        tokens[name] = worker.sign_in(name)
    operators = worker.running.app.operators
    tokens["operator"] = worker.in_loop(operators.open, None, "tester").token
    client.send(calls.lock())
    described = worker.ask("GET", "/openapi.json").json["paths"]
    documented = {
        (method.upper(), path): {int(status) for status in operation["responses"]}
        for path, item in described.items()
        for method, operation in item.items()
    }
    return Cast(worker, tokens, documented)


def mistakes(role: str, row: Row, answer: Answer) -> list[str]:
    """What is wrong with an answer, as the table has it."""
    code = ""
    if "json" in answer.headers.get("content-type", "") and answer.status >= 400:
        code = answer.json["error"]
    got = f"{role}: {row.method} {row.url}: {answer.status} {code}"
    if role in row.allowed:  # a wrong password is the endpoint's own answer
        refused = answer.status in {401, 403, 405, 500, 503} and code != "login_failed"
        return [got] if refused else []
    if role == "anyone":
        return [] if (answer.status, code) == (401, "unauthorized") else [got]
    codes = {"role_forbidden", "operator_required" if role == "peer" else "vault_forbidden"}
    return [] if answer.status == 403 and code in codes else [got]


def test_every_endpoint_has_its_row() -> None:
    """The table names what the application serves, all of it and nothing else."""
    served = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", path))
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods
    }
    assert served == {(row.method, row.path) for row in TABLE}


def test_the_page_shows_the_table() -> None:
    """docs/access.md is what `python -m tests.worker.matrix` prints."""
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("role", list(ROLES))
def test_each_role_is_served_what_it_may(cast: Cast, role: str) -> None:
    """An endpoint serves exactly those listed for it, tells the others why, and as it documents."""
    assert set(cast.tokens) == EVERYONE
    wrong: list[str] = []
    for row in TABLE:
        if row.allowed is ALIKE or (row.harms and role in row.allowed):
            continue
        answer = cast.ask(role, row)
        wrong += mistakes(role, row, answer)
        if answer.status not in cast.documented.get((row.method, row.path), {200}):
            wrong.append(f"{role}: {row.method} {row.url}: {answer.status} is not documented")
    assert wrong == []


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.allowed is ALIKE], ids=lambda r: r.path
)
def test_what_proves_itself_is_answered_alike(cast: Cast, row: Row) -> None:
    """A token that comes along opens nothing more, and closes nothing."""
    answers = {role: cast.ask(role, row).status for role in ROLES}
    alike = set(answers.values()) - {429}  # guesses are slowed down after a while
    assert len(alike) == 1, answers
    assert alike <= {400, 401, 403, 404}
