"""Agents through a whole worker: their grants over the API, their requests through the proxy."""

import base64
import http.client
import json
import socket
from typing import Any

import pytest

from proxy_core.client import calls
from tests.worker.harness import Answer, ThreadedWorker

VAULT = "/v1/vaults/default/agents"


@pytest.fixture(scope="module")
def operator(worker: ThreadedWorker) -> str:
    """An operator's token; the vault has two services, one for each of two hosts."""
    token = str(worker.in_loop(worker.running.app.operators.open, None, "tester").token)
    client = worker.tcp_client(token)
    documents = [
        {"name": name, "host": f"{name}.test", "auth": {"type": "passthrough"}}
        for name in ("one", "two")
    ]
    client.send(calls.upsert_services(documents))
    return token


def proxied(worker: ThreadedWorker, token: str, url: str) -> tuple[int, dict[str, Any]]:
    """A plain request of an agent through the proxy: status and problem."""
    connection = http.client.HTTPConnection(worker.running.facts.proxy, timeout=30)
    login = base64.b64encode(f"{token}:default".encode()).decode()
    connection.request("GET", url, headers={"Proxy-Authorization": f"Basic {login}"})
    answer = connection.getresponse()
    try:
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def tunnel(worker: ThreadedWorker, token: str) -> socket.socket:
    """A CONNECT of an agent that was accepted."""
    host, _, port = worker.running.facts.proxy.rpartition(":")
    login = base64.b64encode(f"{token}:default".encode())
    found = socket.create_connection((host, int(port)), timeout=30)
    found.sendall(
        b"CONNECT one.test:443 HTTP/1.1\r\nHost: one.test:443\r\n"
        b"Proxy-Authorization: Basic " + login + b"\r\n\r\n"
    )
    assert found.recv(4096).startswith(b"HTTP/1.1 200")
    return found


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it; waits until it has."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    finally:
        connection.close()


def test_the_public_names_of_agents_and_grants(worker: ThreadedWorker, operator: str) -> None:
    """Requests and answers as clients of the protocol know them."""

    def ask(method: str, path: str, status: int, body: Any = None) -> Any:
        answer: Answer = worker.ask(method, path, token=operator, body=body)
        assert answer.status == status, answer.body
        return answer.json

    made = ask("POST", "/v1/agents", 201, {"name": "proto-bot", "role": "member", "vaults": []})
    assert made["av_agent_token"].startswith("vt_agt_")
    added = ask("POST", VAULT, 201, {"name": "proto-bot"})
    assert added["message"] == "agent proto-bot may use vault default with role proxy"
    assert ask("POST", VAULT, 409, {"name": "proto-bot", "role": "admin"})["code"] == "conflict"
    (row,) = [one for one in ask("GET", VAULT, 200)["agents"] if one["name"] == "proto-bot"]
    assert (row["vault_role"], row["status"], bool(row["agent_id"])) == ("proxy", "active", True)
    changed = ask("POST", f"{VAULT}/proto-bot/role", 200, {"role": "member"})
    assert (changed["old_role"], changed["new_role"]) == ("proxy", "member")
    role = ask("POST", "/v1/agents/proto-bot/role", 200, {"role": "owner"})
    assert role == {"agent": "proto-bot", "old_role": "member", "new_role": "owner"}
    gone = ask("DELETE", f"{VAULT}/proto-bot", 200)
    assert "may not use vault default any more" in gone["message"]
    assert ask("DELETE", f"{VAULT}/proto-bot", 404)["code"] == "not_found"
    pinned = ask("POST", "/v1/agents/proto-bot/account", 200, {"account": ""})
    assert (pinned["name"], pinned["account_id"]) == ("proto-bot", "")
    assert ask("POST", "/v1/agents/proto-bot/account", 404, {"account": "nobody"})
    ask("DELETE", "/v1/agents/proto-bot", 200)


def test_a_limited_agent_is_refused_through_the_proxy(
    worker: ThreadedWorker, operator: str
) -> None:
    """A service outside its grant, and a host without one, each with what to do next."""
    client = worker.tcp_client(operator)
    token = client.send(calls.create_agent("lim-bot")).av_agent_token
    client.send(calls.add_vault_agent("default", "lim-bot", services=["one"]))
    status, problem = proxied(worker, token, "http://two.test/x")
    assert (status, problem["code"], problem["service"]) == (403, "service_not_granted", "two")
    assert "may use one only" in problem["detail"]
    assert "vault-tui agent grant" in problem["help"]
    status, problem = proxied(worker, token, "http://three.test/x")
    assert (status, problem["error"]) == (403, "forbidden")
    assert problem["proposal_hint"]["endpoint"] == "POST /v1/proposals"
    client.send(calls.delete_agent("lim-bot"))
    assert proxied(worker, token, "http://two.test/x")[0] == 407


@pytest.mark.parametrize("how", ["revoke", "limit", "rotate", "delete"])
def test_open_tunnels_end_at_once(worker: ThreadedWorker, operator: str, how: str) -> None:
    """When a grant ends or loses services, and with the token; the agent's list counts them."""
    client, name = worker.tcp_client(operator), f"cut-{how}"
    token = client.send(calls.create_agent(name)).av_agent_token
    client.send(calls.add_vault_agent("default", name))
    open_one = tunnel(worker, token)
    assert client.send(calls.agent(name)).connections == 1
    ends: dict[str, calls.Call[Any]] = {
        "revoke": calls.remove_vault_agent("default", name),
        "limit": calls.change_vault_agent("default", name, services=["two"]),
        "rotate": calls.rotate_agent(name),
        "delete": calls.delete_agent(name),
    }
    client.send(ends[how])
    assert ended(open_one)
    code = proxied(worker, token, "http://one.test/x")[1]["code"]
    expected = {"revoke": "vault_forbidden", "limit": "service_not_granted"}
    assert code == expected.get(how, "proxy_auth_required")
