"""An agent that knows nothing but HTTP: refused, it proposes, waits, and tries again."""

import base64
import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import World

VAULT = "proposals-apart"


@dataclass
class Agent:
    """What a scripted agent has: a token and two addresses."""

    token: str
    api: str
    proxy: str
    vault: str = VAULT

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call of the API."""
        connection = http.client.HTTPConnection(self.api, timeout=60)
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), fields)
        answer = connection.getresponse()
        try:
            text = answer.read().decode()
            kind = answer.getheader("Content-Type", "")
            return answer.status, json.loads(text) if "json" in kind else text
        finally:
            connection.close()

    def fetch(self, host: str, path: str) -> tuple[int, Any]:
        """One request through the proxy, trusting the CA that the API gives out."""
        context = ssl.create_default_context(cadata=self.ask("GET", "/v1/mitm/ca.pem")[1])
        connection = http.client.HTTPSConnection(self.proxy, timeout=60, context=context)
        login = base64.b64encode(f"{self.token}:{self.vault}".encode()).decode()
        connection.set_tunnel(host, 443, {"Proxy-Authorization": f"Basic {login}"})
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def vault(world: World) -> None:
    """A vault of these tests' own."""
    world.command("vault", "create", VAULT)


@pytest.mark.usefixtures("vault")
def test_refused_proposed_approved_served(world: World) -> None:
    """403 with a hint → the proposal that the hint leads to → an operator's approval on the command
    line → the wait answers → the same request gets 200; and no secret is ever shown to the agent.
    """
    world.command("vault", "settings", VAULT, "--unmatched-hosts", "deny")
    agent = Agent(world.agent("proposer", "--vault", VAULT), world.api, world.proxy)

    status, problem = agent.fetch("api.test", "/echo")
    assert (status, problem["code"]) == (403, "forbidden")
    hint = problem["proposal_hint"]
    method, path = hint["endpoint"].split()
    assert "bearer" in hint["supported_auth_types"]
    proposal = {
        "services": [
            {
                "action": "set",
                "name": "api",
                "host": hint["host"],
                "auth": {"type": "bearer", "token": "API_TOKEN"},
            }
        ],
        "credentials": [
            {"action": "set", "key": "API_TOKEN", "obtain": "https://api.test/settings/tokens"}
        ],
        "message": "read the echo",
        "user_message": "I need the echo service to go on.",
    }
    status, made = agent.ask(method, path, proposal)
    assert (status, made["status"]) == (201, "pending")
    assert agent.fetch("api.test", "/echo")[0] == 403

    followed = f"/v1/proposals/{made['id']}"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(agent.ask, "GET", f"{followed}?wait=60")
        number, own = str(made["id"]), ("--vault", VAULT)
        shown = world.command("proposal", "show", number, *own).stdout
        assert "+ service api" in shown
        assert not waiting.done()
        world.command("proposal", "approve", number, "API_TOKEN", *own, input=world.token)
        status, decided = waiting.result(30)
    assert (status, decided["status"]) == (200, "applied")

    status, echoed = agent.fetch("api.test", "/echo")
    assert status == 200
    assert world.token not in json.dumps([decided, echoed])
    assert agent.ask("GET", "/discover")[1]["services"] == [{"name": "api", "host": "api.test"}]


@pytest.mark.usefixtures("vault")
def test_rejected_with_a_reason(world: World) -> None:
    """The agent learns why, and what it asked for is not there."""
    agent = Agent(world.agent("refused", "--vault", VAULT), world.api, world.proxy)
    body = {"credentials": [{"action": "set", "key": "OTHER_TOKEN"}]}
    status, made = agent.ask("POST", "/v1/proposals", body)
    assert status == 201
    number = str(made["id"])
    world.command("proposal", "reject", number, "--reason", "ask ops", "--vault", VAULT)
    status, decided = agent.ask("GET", f"/v1/proposals/{number}?wait=60")
    assert (decided["status"], decided["review_note"]) == ("rejected", "ask ops")
    assert "OTHER_TOKEN" not in agent.ask("GET", "/discover")[1]["available_credentials"]
