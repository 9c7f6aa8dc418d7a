"""The worker in numbers: what a scraper gets, and who may have it."""

import base64
import http.client
import re
import time

import pytest

from proxy_core.client import calls
from proxy_core.domain.accounts.windows import Window
from proxy_core.domain.wire import AddAccount, AgentVault
from proxy_core.worker.exposition import Family, Kind, Sample, exposition
from tests.worker.harness import ThreadedWorker

Labels = frozenset[tuple[str, str]]
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\n"])*)"')
LINE = re.compile(rf"([a-z_]+)(?:\{{({LABEL.pattern}(?:,{LABEL.pattern})*)\}})? (\S+)")


def parsed(text: str) -> dict[str, dict[Labels, float]]:
    """Samples by name and labels. Every line must be one of the format's."""
    assert text.endswith("\n")
    found: dict[str, dict[Labels, float]] = {}
    kinds: dict[str, str] = {}
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            assert word in {"HELP", "TYPE"}
            kinds.setdefault(name, rest)
            found[name] = {}
            continue
        match = LINE.fullmatch(line)
        assert match, line
        assert match[1] in kinds, f"{line} comes before its family"
        labels = frozenset((name, value) for name, value in LABEL.findall(match[2] or ""))
        found[match[1]][labels] = float(match[match.lastindex or 0])
    return found


def scrape(worker: ThreadedWorker) -> dict[str, dict[Labels, float]]:
    """What a process at the control socket reads."""
    answer = worker.ask("GET", "/metrics", tcp=False)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.body.decode())


def only(samples: dict[Labels, float]) -> float:
    """The value of a family without labels."""
    return samples[frozenset()]


def test_labels_are_escaped() -> None:
    """A quote, a backslash or a line's end in a name breaks no line."""
    labels = {"account": 'a "quoted"\\name\nnext'}
    text = exposition([Family("one", Kind.GAUGE, "A number.", (Sample(0.5, labels),))])
    assert text == (
        '# HELP one A number.\n# TYPE one gauge\none{account="a \\"quoted\\"\\\\name\\nnext"} 0.5\n'
    )
    assert parsed(text)["one"] == {frozenset({("account", 'a \\"quoted\\"\\\\name\\nnext')}): 0.5}


def test_a_worker_that_is_not_set_up_is_measured(fresh_worker: ThreadedWorker) -> None:
    """Sealed and empty it still answers: somebody wants to be told just then."""
    told = scrape(fresh_worker)
    assert only(told["vault_tui_sealed"]) == 1
    assert told["vault_tui_requests_total"] == {}
    assert only(told["vault_tui_streams"]) == 0
    assert only(told["vault_tui_uptime_seconds"]) >= 0


def test_a_request_counts_by_its_outcome(worker: ThreadedWorker) -> None:
    """What the proxy refused shows in the totals; which host and whose request it was does not."""
    grant = [AgentVault(vault_name="default", vault_role="proxy")]
    made = worker.client().send(calls.create_agent("counted-agent", vaults=grant))
    labels = frozenset({("outcome", "denied"), ("status", "4xx")})
    before = scrape(worker)["vault_tui_requests_total"].get(labels, 0)
    host, _, port = worker.running.facts.proxy.rpartition(":")
    login = base64.b64encode(f"{made.av_agent_token}:default".encode()).decode()
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    fields = {"Proxy-Authorization": f"Basic {login}"}
    connection.request("TRACE", "http://127.0.0.1:9/secret-path", headers=fields)
    refused = connection.getresponse()
    assert (refused.status, refused.headers["X-Vault-Proxy-Error"]) == (403, "trace_not_allowed")
    connection.close()
    deadline = time.monotonic() + 20  # the answer may be here before the request has ended
    told = scrape(worker)
    while told["vault_tui_requests_total"].get(labels, 0) == before:
        assert time.monotonic() < deadline
        told = scrape(worker)
    assert told["vault_tui_requests_total"][labels] == before + 1
    assert told["vault_tui_request_seconds_total"][labels] > 0
    text = worker.ask("GET", "/metrics", tcp=False).body
    assert b"counted-agent" not in text
    assert b"secret-path" not in text


def test_what_waits_is_told(worker: ThreadedWorker) -> None:
    """A pending proposal is a number, and so are the refreshes that there were."""
    before = scrape(worker)
    token = worker.client().send(calls.create_session("default")).token
    body = {"credentials": [{"action": "set", "key": "WANTED_KEY"}]}
    assert worker.ask("POST", "/v1/proposals", token=token, body=body).status == 201
    told = scrape(worker)
    pending = "vault_tui_pending_proposals"
    assert only(told[pending]) == only(before[pending]) + 1
    assert only(told["vault_tui_holds"]) == 0
    assert {dict(labels)["result"] for labels in told["vault_tui_refreshes_total"]} == {
        "succeeded",
        "failed",
        "reconnect",
    }


def test_accounts_tell_their_quota(worker: ThreadedWorker) -> None:
    """Each window's used share has its account's name; accounts are counted by state."""
    tokens = {"access_token": "sk-ant-oat01-metrics"}
    account = AddAccount(provider="claude", tokens=tokens, nickname="Ada")
    added = worker.client().send(calls.add_account(account)).account
    life = worker.running.app.accounts.state.lives.of(added.id)
    worker.in_loop(life.learn, [Window("5h", 0.25, observed_at=1.0)], 1.0)
    told = scrape(worker)
    whose = {("vault", "default"), ("provider", "claude")}
    assert told["vault_tui_quota_used_ratio"] == {
        frozenset({*whose, ("account", "Ada"), ("window", "5h")}): 0.25
    }
    assert told["vault_tui_accounts"][frozenset({*whose, ("state", added.state)})] == 1
    assert b"sk-ant" not in worker.ask("GET", "/metrics", tcp=False).body


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("member", 403), ("no-access", 403)])
def test_an_owners_token_may_scrape(worker: ThreadedWorker, role: str, status: int) -> None:
    """A scraper elsewhere has the token of an agent with the instance role owner."""
    made = worker.client().send(calls.create_agent(f"scraper-{role}", role=role, vaults=[]))
    assert worker.ask("GET", "/metrics", token=made.av_agent_token).status == status
    assert worker.ask("GET", "/metrics").status == 401
