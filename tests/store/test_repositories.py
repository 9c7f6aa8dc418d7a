"""The repositories: what each function stores, answers and refuses, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store import agents, credentials, installation, services, sessions, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import (
    Agent,
    AgentGrant,
    CertificateAuthority,
    Credential,
    CredentialVersion,
    KeySlot,
    ScopedSession,
    ServiceRow,
)
from tests.store.conftest import NOW, vault


def refused(database: Database, code: str, work: Callable[[Session], Any]) -> None:
    """Run `work`, expecting a VaultError of this code."""
    with pytest.raises(VaultError) as raised:
        database.run_sync(work)
    assert raised.value.code == code


def put(session: Session, key: str, value: bytes, vault_id: str = "v1") -> Credential:
    """Set a credential; the sealed value names its row."""
    return credentials.set_credential(
        session,
        vault_id,
        key,
        lambda row: row.encode() + b"=" + value,
        new_id=f"{vault_id}-{key}",
        now=NOW,
    )


# --- vaults ---------------------------------------------------------------------------------


def test_vaults_are_found_and_renamed(database: Database) -> None:
    """A vault keeps its contents under a new name; its old name is free again."""

    def work(session: Session) -> None:
        services.upsert_documents(session, "v1", [{"name": "one"}, {"name": "two"}], NOW)
        vaults.rename_vault(session, "default", "renamed")
        vaults.add_vault(session, vault("v2", "default"))

    database.run_sync(work)
    found = database.read_sync(vaults.list_vaults)
    assert [(row.id, row.name) for row in found] == [("v2", "default"), ("v1", "renamed")]
    stored = database.read_sync(lambda session: vaults.vault_by_name(session, "renamed"))
    assert (stored.unmatched_host_policy, stored.created_at) == ("passthrough", NOW)
    assert documents(database) == [{"name": "one"}, {"name": "two"}]


def test_vault_names_are_unique(database: Database) -> None:
    """A taken name is a conflict for a new vault and for a rename; an unknown one is not found."""
    database.run_sync(lambda session: vaults.add_vault(session, vault("v2", "other")))
    refused(database, "conflict", lambda s: vaults.add_vault(s, vault("v3", "other")))
    refused(database, "conflict", lambda s: vaults.rename_vault(s, "other", "default"))
    refused(database, "vault_not_found", lambda s: vaults.rename_vault(s, "gone", "x"))
    refused(database, "vault_not_found", lambda s: vaults.vault_by_name(s, "gone"))


def test_deleting_a_vault_deletes_all_it_holds(database: Database) -> None:
    """Credentials with versions, services, grants and sessions go with their vault."""

    def work(session: Session) -> None:
        put(session, "A", b"1")
        services.upsert_documents(session, "v1", [{"name": "one"}], NOW)
        agents.add_agent(session, agent("a1", "ci"))
        agents.add_grant(session, grant("a1", "v1"))
        sessions.add_session(session, scoped("s1", NOW + 10))
        vaults.delete_vault(session, "default")

    database.run_sync(work)

    def remaining(session: Session) -> list[object]:
        tables = (Credential, CredentialVersion, ServiceRow, AgentGrant, ScopedSession)
        return [row for table in tables for row in session.exec(select(table))]

    assert database.read_sync(remaining) == []
    assert [row.name for row in database.read_sync(agents.list_agents)] == ["ci"]


# --- credentials ----------------------------------------------------------------------------


def test_setting_a_credential_adds_a_version(database: Database) -> None:
    """Each value is kept as a version sealed for its own row; the newest is current."""
    database.run_sync(lambda session: put(session, "B", b"one"))
    database.run_sync(lambda session: put(session, "A", b"only"))
    changed = database.run_sync(lambda session: put(session, "B", b"two"))
    assert (changed.id, changed.current_version) == ("v1-B", 2)
    current = database.read_sync(lambda session: credentials.current_values(session, "v1"))
    assert [(value.key, value.version, value.sealed) for value in current] == [
        ("A", 1, b"v1-A/1=only"),
        ("B", 2, b"v1-B/2=two"),
    ]
    history = database.read_sync(lambda session: credentials.list_versions(session, "v1", "B"))
    assert [row.version for row in history] == [2, 1]
    old = database.read_sync(lambda session: credentials.sealed_value(session, "v1", "B", 1))
    assert (old.row_id, old.sealed) == ("v1-B/1", b"v1-B/1=one")
    assert b"one" not in repr(old).encode()
    refused(database, "not_found", lambda s: credentials.sealed_value(s, "v1", "B", 3))
    refused(database, "not_found", lambda s: credentials.list_versions(s, "v1", "C"))


def test_credentials_of_one_key_in_two_vaults_are_apart(database: Database) -> None:
    """The same key in another vault is another credential."""

    def work(session: Session) -> None:
        vaults.add_vault(session, vault("v2", "other"))
        put(session, "A", b"mine")
        put(session, "A", b"theirs", "v2")

    database.run_sync(work)
    mine = database.read_sync(lambda session: credentials.current_values(session, "v1"))
    assert [value.sealed for value in mine] == [b"v1-A/1=mine"]


def test_deleting_credentials_says_which_existed(database: Database) -> None:
    """Unknown keys are passed over; versions go with their credential."""
    database.run_sync(lambda session: [put(session, key, b"x") for key in ("A", "B", "C")])
    gone = database.run_sync(
        lambda session: credentials.delete_credentials(session, "v1", ["C", "X", "A", "C"])
    )
    assert gone == ["C", "A"]
    left = database.read_sync(lambda session: credentials.list_credentials(session, "v1"))
    assert [row.key for row in left] == ["B"]
    again = database.run_sync(lambda session: put(session, "A", b"new"))
    assert again.current_version == 1


# --- services -------------------------------------------------------------------------------


def documents(database: Database, vault_id: str = "v1") -> list[dict[str, Any]]:
    """A vault's documents in order."""
    return database.read_sync(lambda session: services.list_documents(session, vault_id))


def test_documents_keep_their_order(database: Database) -> None:
    """An upsert replaces in place and appends what is new; a removal keeps the rest's order."""
    first = [{"name": name, "host": f"{name}.test"} for name in ("c", "a", "b")]
    database.run_sync(lambda session: services.upsert_documents(session, "v1", first, NOW))
    changes = [{"name": "d", "host": "d"}, {"name": "a", "host": "new", "rules": [{"x": None}]}]
    database.run_sync(lambda session: services.upsert_documents(session, "v1", changes, NOW))
    assert documents(database) == [first[0], changes[1], first[2], changes[0]]
    database.run_sync(lambda session: services.remove_document(session, "v1", "c"))
    assert [document["name"] for document in documents(database)] == ["a", "b", "d"]
    refused(database, "not_found", lambda s: services.remove_document(s, "v1", "c"))


def test_replacing_and_clearing_documents(database: Database) -> None:
    """A replacement leaves exactly what it was given; other vaults are not touched."""

    def work(session: Session) -> None:
        vaults.add_vault(session, vault("v2", "other"))
        services.upsert_documents(session, "v2", [{"name": "theirs"}], NOW)
        services.upsert_documents(session, "v1", [{"name": "a"}, {"name": "b"}], NOW)
        services.replace_documents(session, "v1", [{"name": "z"}, {"name": "a"}], NOW)

    database.run_sync(work)
    assert documents(database) == [{"name": "z"}, {"name": "a"}]
    database.run_sync(lambda session: services.clear_documents(session, "v1"))
    assert documents(database) == []
    assert documents(database, "v2") == [{"name": "theirs"}]


# --- agents and sessions --------------------------------------------------------------------


def agent(agent_id: str, name: str) -> Agent:
    """An agent's row."""
    return Agent(
        id=agent_id,
        name=name,
        role="no-access",
        token_sha256=f"hash of {agent_id}".encode(),
        created_at=NOW,
    )


def scoped(session_id: str, expires_at: float, vault_id: str = "v1") -> ScopedSession:
    """A session's row."""
    return ScopedSession(
        id=session_id,
        vault_id=vault_id,
        token_sha256=f"hash of {session_id}".encode(),
        label="",
        created_by="operator",
        created_at=NOW,
        expires_at=expires_at,
    )


def test_agents_are_stored_changed_and_deleted(database: Database) -> None:
    """Rename, role, rotation, last seen and deletion each change what they name, no more."""

    def work(session: Session) -> None:
        agents.add_agent(session, agent("a1", "ci"))
        agents.add_agent(session, agent("a2", "dev"))
        agents.rename_agent(session, "ci", "build")
        agents.set_agent_role(session, "build", "member")
        agents.replace_token(session, "build", b"new hash", NOW + 60)
        agents.touch_agents(session, {"a1": NOW + 5, "gone": NOW})
        agents.delete_agent(session, "dev")

    database.run_sync(work)
    (kept,) = database.read_sync(agents.list_agents)
    assert (kept.name, kept.role, kept.token_sha256) == ("build", "member", b"new hash")
    assert (kept.expires_at, kept.last_seen_at) == (NOW + 60, NOW + 5)
    refused(database, "not_found", lambda s: agents.agent_by_name(s, "ci"))
    refused(database, "conflict", lambda s: agents.add_agent(s, agent("a3", "build")))
    database.run_sync(lambda session: agents.add_agent(session, agent("a4", "x")))
    refused(database, "conflict", lambda s: agents.rename_agent(s, "x", "build"))


def test_two_agents_cannot_share_a_token(database: Database) -> None:
    """The database itself refuses a second row with the same hash."""
    database.run_sync(lambda session: agents.add_agent(session, agent("a1", "one")))
    twin = agent("a2", "two")
    twin.token_sha256 = b"hash of a1"
    refused(database, "conflict", lambda s: agents.add_agent(s, twin))


def grant(agent_id: str, vault_id: str, services: list[str] | None = None) -> AgentGrant:
    """Leave for a vault with the proxy role."""
    return AgentGrant(agent_id=agent_id, vault_id=vault_id, role="proxy", services=services)


def test_grants_are_added_changed_and_removed(database: Database) -> None:
    """One for each vault, for all services or some; deleting the agent removes its grants."""

    def work(session: Session) -> None:
        agents.add_agent(session, agent("a1", "ci"))
        agents.add_grant(session, grant("a1", "v1"))
        agents.find_grant(session, "a1", "v1").services = ["one"]

    database.run_sync(work)
    (found,) = database.read_sync(agents.list_grants)
    assert (found.agent_id, found.vault_id, found.services) == ("a1", "v1", ["one"])
    refused(database, "conflict", lambda s: agents.add_grant(s, grant("a1", "v1")))
    database.run_sync(lambda session: agents.remove_grant(session, "a1", "v1"))
    refused(database, "not_found", lambda s: agents.remove_grant(s, "a1", "v1"))
    refused(database, "conflict", lambda s: agents.add_grant(s, grant("a1", "gone")))
    database.run_sync(lambda session: agents.add_grant(session, grant("a1", "v1")))
    (found,) = database.read_sync(agents.list_grants)
    assert found.services is None
    database.run_sync(lambda session: agents.delete_agent(session, "ci"))
    assert database.read_sync(agents.list_grants) == []


def test_sessions_expire_and_end(database: Database) -> None:
    """Expired sessions are not listed; deleting asks for the right vault."""

    def work(session: Session) -> None:
        vaults.add_vault(session, vault("v2", "other"))
        sessions.add_session(session, scoped("s1", NOW + 10))
        sessions.add_session(session, scoped("s2", NOW - 10))
        sessions.add_session(session, scoped("s3", NOW + 10, "v2"))
        sessions.touch_sessions(session, {"s1": NOW + 1})

    database.run_sync(work)
    (mine,) = database.read_sync(lambda session: sessions.list_sessions(session, "v1", NOW))
    assert (mine.id, mine.last_used_at) == ("s1", NOW + 1)
    live = database.read_sync(lambda session: sessions.live_sessions(session, NOW))
    assert {row.id for row in live} == {"s1", "s3"}
    refused(database, "not_found", lambda s: sessions.delete_session(s, "v1", "s3"))
    ended = database.run_sync(lambda session: sessions.delete_session(session, "v1", "s1"))
    assert ended.token_sha256 == b"hash of s1"
    assert database.run_sync(lambda session: sessions.delete_expired(session, NOW)) == 1
    assert database.run_sync(lambda session: sessions.delete_expired(session, NOW)) == 0


# --- installation ---------------------------------------------------------------------------


def slot(slot_id: str, label: str = "") -> KeySlot:
    """A key slot's row."""
    return KeySlot(
        id=slot_id,
        kind="password",
        label=label,
        params={"salt": "00", "time": 3},
        wrapped_dek=b"wrapped",
        key_version=1,
        created_at=NOW,
    )


def test_the_last_key_slot_stays(database: Database) -> None:
    """Slots are added, replaced by id and removed, but never the last."""
    for row in (slot("k1"), slot("k2"), slot("k1", "changed")):
        database.run_sync(lambda session, row=row: installation.save_slot(session, row))
    found = database.read_sync(installation.list_slots)
    assert [(row.id, row.label, row.params["time"]) for row in found] == [
        ("k1", "changed", 3),
        ("k2", "", 3),
    ]
    database.run_sync(lambda session: installation.remove_slot(session, "k1"))
    refused(database, "conflict", lambda s: installation.remove_slot(s, "k2"))
    refused(database, "not_found", lambda s: installation.remove_slot(s, "k1"))


def test_the_newest_authority_is_current(database: Database) -> None:
    """None at first; then the one made last."""
    assert database.read_sync(installation.current_authority) is None
    for number in (1, 2):
        authority = CertificateAuthority(
            id=f"ca{number}", certificate_pem="pem", sealed=b"key", created_at=NOW + number
        )
        database.run_sync(lambda session, row=authority: installation.save_authority(session, row))
    current = database.read_sync(installation.current_authority)
    assert current is not None
    assert current.id == "ca2"


def test_settings_and_facts(database: Database) -> None:
    """Settings hold any JSON and go back to their default by None; facts hold text."""

    def work(session: Session) -> None:
        changes = {"flag": False, "zero": 0, "list": ["a", 1], "gone": "x"}
        installation.save_settings(session, changes, NOW)
        installation.save_settings(session, {"zero": 5, "gone": None, "never": None}, NOW)
        installation.set_fact(session, "encryptions", "1")
        installation.set_fact(session, "encryptions", "2")

    database.run_sync(work)
    stored = database.read_sync(installation.all_settings)
    assert stored == {"flag": False, "zero": 5, "list": ["a", 1]}
    assert database.read_sync(lambda s: installation.get_fact(s, "encryptions")) == "2"
    assert database.read_sync(lambda s: installation.get_fact(s, "missing")) is None
