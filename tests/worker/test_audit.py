"""The audit over the API: who, from where, and that nobody reads it who may not."""

import os
import sqlite3
from urllib.parse import quote

import pytest

from proxy_core.client import calls
from proxy_core.domain import wire
from tests.worker.harness import ThreadedWorker

SECRET = "sk-live-0123456789-do-not-show"


def newest(worker: ThreadedWorker, **query: str) -> wire.AuditEntry:
    """The newest entry of those."""
    entry: wire.AuditEntry = worker.client().send(calls.audit(**query)).entries[0]  # type: ignore[arg-type]
    return entry


def test_an_operators_change_says_who_and_from_where(worker: ThreadedWorker) -> None:
    """The Unix user, the process, and the endpoint."""
    worker.client().send(calls.set_credentials({"TOKEN": SECRET}))
    entry = newest(worker, action="credential.set")
    assert (entry.actor.kind, entry.target, entry.vault) == ("operator", "TOKEN", "default")
    assert (entry.source["uid"], entry.source["pid"]) == (os.getuid(), os.getpid())
    assert entry.route == "POST /v1/credentials"
    assert entry.sealed


def test_an_agents_change_says_its_name_and_address(worker: ThreadedWorker) -> None:
    """What a token does is its own doing, from a network address."""
    grant = wire.AgentVault(vault_name="default", vault_role="member")
    made = worker.client().send(calls.create_agent("deployer", vaults=[grant]))
    worker.tcp_client(made.av_agent_token).send(calls.set_credentials({"BY_AGENT": SECRET}))
    entry = newest(worker, actor="agent deployer")
    assert (entry.action, entry.source) == ("credential.set", {"address": "127.0.0.1"})


def test_what_is_refused_is_told(worker: ThreadedWorker) -> None:
    """A token beyond its rights, and one that is none, leave their traces."""
    made = worker.client().send(calls.create_agent("curious"))
    worker.ask("GET", "/v1/admin/settings", token=made.av_agent_token)
    worker.ask("GET", "/v1/admin/settings", token="vt_agt_wrong")
    found = worker.client().send(calls.audit(action="access.refused")).entries
    refused = {(entry.actor.kind, entry.actor.name, entry.after["why"]) for entry in found}
    assert ("agent", "curious", "role_forbidden") in refused
    assert ("nobody", "", "unauthorized") in refused


def test_a_vaults_admin_reads_of_that_vault_alone(worker: ThreadedWorker) -> None:
    """Entries of other vaults, and of none, are not shown."""
    client = worker.client()
    client.send(calls.create_vault("elsewhere"))
    client.send(calls.set_credentials({"HIDDEN": SECRET}, "elsewhere"))
    client.send(calls.set_credentials({"SEEN": SECRET}))
    grant = wire.AgentVault(vault_name="default", vault_role="admin")
    made = client.send(calls.create_agent("vault-admin", vaults=[grant]))
    admin = worker.tcp_client(made.av_agent_token)
    found = admin.send(calls.audit()).entries
    assert {entry.vault for entry in found} == {"default"}
    answer = worker.ask("GET", "/v1/audit?vault=elsewhere", token=made.av_agent_token)
    assert answer.status == 403


def test_pages_follow_their_cursors(worker: ThreadedWorker) -> None:
    """Older ones behind `before`, newer ones behind `after`, none twice and none left out."""
    client = worker.client()
    for number in range(5):
        client.send(calls.set_credentials({"PAGED": f"{SECRET}{number}"}))
    first = client.send(calls.audit(q="paged", limit=2))
    second = client.send(calls.audit(q="paged", limit=2, before=first.next_cursor or ""))
    seqs = [entry.seq for entry in (*first.entries, *second.entries)]
    assert seqs == sorted(seqs, reverse=True)
    assert len(set(seqs)) == 4
    newer = client.send(calls.audit(q="paged", after=str(seqs[-1])))
    assert [entry.seq for entry in newer.entries] == seqs[:-1]


@pytest.mark.parametrize(
    "query", ["before=x", "since=soon", "limit=0", "limit=201", "before=1&after=1"]
)
def test_a_question_that_makes_no_sense_is_refused(worker: ThreadedWorker, query: str) -> None:
    """Cursors are numbers, times are seconds, and a page has a bound."""
    assert worker.ask("GET", f"/v1/audit?{query}", tcp=False).status == 400
    noted = quote("12:zz")
    assert worker.ask("GET", f"/v1/audit/verify?noted={noted}", tcp=False).status == 400


def test_verifying_tells_what_is_well_and_what_is_not(worker: ThreadedWorker) -> None:
    """The range and the head to note down; then an altered row is found by its number."""
    client = worker.client()
    client.send(calls.set_credentials({"VERIFIED": SECRET}))
    well = client.send(calls.verify_audit())
    assert (well.ok, well.first, well.count) == (True, 1, well.last)
    assert client.send(calls.verify_audit(well.head)).ok
    wrong = f"{well.last}:{'0' * 64}"
    assert client.send(calls.verify_audit(wrong)).broken_at == well.last
    file = sqlite3.connect(worker.socket.parent / "vault.db")
    with file:
        file.execute(
            "UPDATE audit SET entry = replace(entry, 'VERIFIED', 'FORGED') WHERE seq = ?",
            (well.last,),
        )
    broken = client.send(calls.verify_audit())
    with file:
        file.execute(
            "UPDATE audit SET entry = replace(entry, 'FORGED', 'VERIFIED') WHERE seq = ?",
            (well.last,),
        )
    file.close()
    assert (broken.ok, broken.broken_at) == (False, well.last)
    assert client.send(calls.verify_audit()).ok


def test_no_secret_stands_in_it(worker: ThreadedWorker) -> None:
    """The table's very text has no value that anybody stored."""
    client = worker.client()
    client.send(calls.set_credentials({"SCANNED": SECRET}))
    client.send(calls.credentials(reveal=True))
    file = sqlite3.connect(worker.socket.parent / "vault.db")
    rows = "".join(text for (text,) in file.execute("SELECT entry FROM audit"))
    file.close()
    assert "SCANNED" in rows
    assert SECRET not in rows
