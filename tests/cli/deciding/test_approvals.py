"""`hold` and `grant` against a real worker with a request that waits."""

import base64
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.cli.conftest import CommandLine

Waiting = tuple[str, "Future[tuple[int, str]]"]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Agents wait in threads of their own."""
    with ThreadPoolExecutor() as made:
        yield made


@pytest.fixture
def waiting(vault_tui: CommandLine, pool: ThreadPoolExecutor) -> Iterator[Waiting]:
    """A held request: its id, and its status and code once it is answered."""
    add = ("service", "add", "--name", "asked", "--host", "192.0.2.1", "--auth", "passthrough")
    vault_tui.ok(*add, "--rule", "ask POST /send")
    made = json.loads(vault_tui.ok("agent", "create", "asker", "--json"))
    proxy = json.loads(vault_tui.ok("status", "--json"))["proxy"]
    answer = pool.submit(post, proxy, made["av_agent_token"])
    try:
        for _ in range(100):
            found = json.loads(vault_tui.ok("hold", "list", "--json"))["holds"]
            if found:
                break
            time.sleep(0.05)
        (hold,) = found
        yield hold["id"], answer
    finally:
        vault_tui.ok("agent", "delete", "asker", "--yes")
        vault_tui.ok("service", "remove", "asked")


def post(proxy: str, token: str) -> tuple[int, str]:
    """One request that a rule asks about; status and code."""
    connection = http.client.HTTPConnection(proxy, timeout=30)
    login = base64.b64encode(f"{token}:default".encode()).decode()
    connection.request(
        "POST", "http://192.0.2.1/send?k=v", b"{}", {"Proxy-Authorization": f"Basic {login}"}
    )
    answer = connection.getresponse()
    try:
        return answer.status, answer.getheader("X-Vault-Proxy-Error", "")
    finally:
        connection.close()


def test_a_hold_is_shown_and_denied(vault_tui: CommandLine, waiting: Waiting) -> None:
    """List, show, status; then the agent is refused and nothing waits."""
    hold_id, answer = waiting
    listed = vault_tui.ok("hold", "list")
    assert all(word in listed for word in (hold_id, "asker", "asked", "POST", "192.0.2.1/send"))
    shown = vault_tui.ok("hold", "show", hold_id)
    assert "rule 1 of asked" in shown
    assert "?k=…" in shown
    assert vault_tui.as_peer("status", "--short").stdout.endswith("1 held\n")
    assert "Denied" in vault_tui.ok("hold", "deny", hold_id)
    assert answer.result(30) == (403, "approval_denied")
    assert json.loads(vault_tui.ok("hold", "list", "--json")) == {"holds": []}
    assert vault_tui("hold", "deny", hold_id).returncode == 4


def test_a_hold_is_approved_for_a_while(vault_tui: CommandLine, waiting: Waiting) -> None:
    """The request goes on (to the network guard, here), and the grant can be revoked."""
    hold_id, answer = waiting
    assert "Grant" in vault_tui.ok("hold", "approve", hold_id, "--for", "15m")
    assert answer.result(30) == (403, "address_blocked")
    (grant,) = json.loads(vault_tui.ok("grant", "list", "--json"))["grants"]
    assert (grant["for"], grant["service"], grant["agent"]) == ("15m", "asked", "asker")
    assert grant["id"] in vault_tui.ok("grant", "list")
    vault_tui.ok("grant", "revoke", grant["id"])
    assert json.loads(vault_tui.ok("grant", "list", "--json")) == {"grants": []}
    assert vault_tui("grant", "revoke", grant["id"]).returncode == 4


def test_a_hold_becomes_a_rule(vault_tui: CommandLine, waiting: Waiting) -> None:
    """Denied for good: the service has the rule, and the match test says so."""
    hold_id, answer = waiting
    assert "Service asked has the rule" in vault_tui.ok("hold", "deny", hold_id, "--always")
    assert answer.result(30) == (403, "approval_denied")
    assert "denies" in vault_tui.ok("service", "test", "POST", "http://192.0.2.1/send")


def test_deciding_takes_an_operator(vault_tui: CommandLine, waiting: Waiting) -> None:
    """Looking does not."""
    hold_id, _ = waiting
    assert hold_id in vault_tui.as_peer("hold", "list").stdout
    done = vault_tui.as_peer("hold", "approve", hold_id)
    assert done.returncode == 5
    assert vault_tui("hold", "approve", hold_id, "--for", "ever").returncode == 2


def test_a_vault_may_ask_about_other_hosts(vault_tui: CommandLine) -> None:
    """Its policy is set by name, listed, and explained by the match test."""
    vault_tui.ok("vault", "create", "careful")
    vault_tui.ok("vault", "settings", "careful", "--unmatched-hosts", "ask")
    listed = json.loads(vault_tui.ok("vault", "list", "--json"))["vaults"]
    assert {one["name"]: one["unmatched_host_policy"] for one in listed}["careful"] == "ask"
    said = vault_tui.ok("service", "test", "https://new.example/", "--vault", "careful")
    assert "the vault asks" in said
    assert vault_tui("vault", "settings", "careful", "--unmatched-hosts", "maybe").returncode == 2
    vault_tui.ok("vault", "delete", "careful", "--yes")


def test_the_match_test_explains_ask(vault_tui: CommandLine) -> None:
    """Which rule asks, and that the request would wait."""
    add = ("service", "add", "--name", "asks", "--host", "asks.example", "--auth", "passthrough")
    vault_tui.ok(*add, "--rule", "ask DELETE /v1/*")
    said = vault_tui.ok("service", "test", "DELETE", "https://asks.example/v1/x")
    assert "approval_timeout" in said
    assert "held" in said
    assert "rule 1 asks an operator" in said
    vault_tui.ok("service", "remove", "asks")
