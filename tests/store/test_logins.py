"""Logins in the database: what each step of a refresh leaves there."""

from typing import Any

import pytest
from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store import agents, credentials, logins, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import Account, Agent, OAuthLogin
from tests.store.conftest import NOW


def add_login(database: Database, login_id: str = "l1", **fields: Any) -> None:
    """Store a login of vault `v1`."""
    usual: dict[str, Any] = {
        "id": login_id,
        "vault_id": "v1",
        "provider": "",
        "client": {"token_url": "https://issuer.example/token"},
        "generation": 0,
        "scopes": "",
        "obtained_at": NOW,
        "state": logins.PENDING,
    }
    row = OAuthLogin(**{**usual, **fields})
    database.run_sync(lambda session: logins.add_login(session, row))


def tokens(mark: bytes) -> logins.SealedTokens:
    """A pair that says who it is."""
    return logins.SealedTokens(mark + b"-access", mark + b"-refresh", NOW + 1, NOW + 3601, "a b")


def read(database: Database, login_id: str = "l1") -> OAuthLogin:
    """The row as it is."""
    return database.read_sync(lambda session: logins.login(session, login_id))


def fails(database: Database, code: str, work: Any) -> None:
    """Expect a VaultError of this code."""
    with pytest.raises(VaultError) as raised:
        database.run_sync(work)
    assert raised.value.code == code


def store(database: Database, generation: int, mark: bytes, refreshed: bool = True) -> OAuthLogin:
    """Store the pair that follows a generation."""
    return database.run_sync(
        lambda session: logins.store_tokens(
            session, "l1", generation, tokens(mark), refreshed=refreshed
        )
    )


def test_a_refresh_from_intent_to_tokens(database: Database) -> None:
    """The intent names generation and owner; the new pair ends it and every trace of failure."""
    add_login(database)
    store(database, 0, b"first", refreshed=False)
    database.run_sync(lambda session: logins.begin_refresh(session, "l1", 1, "me", NOW + 5))
    row = read(database)
    assert (row.intent_generation, row.intent_at, row.lease_owner) == (1, NOW + 5, "me")
    assert (row.intent_retried, row.refresh_count) == (False, 0)
    store(database, 1, b"second")
    row = read(database)
    assert (row.generation, row.sealed_access, row.intent_generation) == (2, b"second-access", None)
    assert (row.state, row.refresh_count, row.last_refresh_at) == ("connected", 1, NOW + 1)
    assert (row.connected_at, row.expires_at, row.scopes) == (NOW + 1, NOW + 3601, "a b")


def test_an_intent_that_stands_is_seen_the_second_time(database: Database) -> None:
    """Who comes after a crash notes that the same token is used again."""
    add_login(database, generation=4)
    for retried in (False, True):
        row = database.run_sync(
            lambda session: logins.begin_refresh(session, "l1", 4, "other", NOW)
        )
        assert row.intent_retried is retried
    database.run_sync(lambda session: logins.fail_refresh(session, "l1", 4, "503", NOW + 60))
    row = read(database)
    assert (row.intent_generation, row.intent_retried) == (None, False)
    assert (row.failures, row.last_error, row.retry_at) == (1, "503", NOW + 60)


def test_a_refusal_for_good(database: Database) -> None:
    """Only new tokens end the state `reconnect`; the old access token stays."""
    add_login(database)
    store(database, 0, b"first", refreshed=False)
    error = "x" * 2 * logins.MAX_ERROR
    database.run_sync(lambda session: logins.end_refresh(session, "l1", 1, error))
    row = read(database)
    assert (row.state, row.retry_at, row.sealed_access) == ("reconnect", None, b"first-access")
    assert len(row.last_error) == logins.MAX_ERROR
    row = store(database, 1, b"again", refreshed=False)
    assert (row.state, row.failures, row.last_error) == ("connected", 0, "")


def test_whoever_comes_with_an_older_generation_changes_nothing(database: Database) -> None:
    """A worker that was away while another one refreshed can't put its own result in place."""
    add_login(database)
    store(database, 0, b"first")
    before = read(database).model_dump()
    steps: list[Any] = [
        lambda session: logins.begin_refresh(session, "l1", 0, "late", NOW),
        lambda session: logins.store_tokens(session, "l1", 0, tokens(b"late"), refreshed=True),
        lambda session: logins.fail_refresh(session, "l1", 0, "late", NOW),
        lambda session: logins.end_refresh(session, "l1", 0, "late"),
    ]
    for step in steps:
        fails(database, "conflict", step)
    assert read(database).model_dump() == before
    fails(database, "not_found", lambda session: logins.begin_refresh(session, "no", 0, "", NOW))


def test_whose_a_login_is(database: Database) -> None:
    """A credential's, by its key; an account's, by its nickname; found by its credential."""

    def work(session: Session) -> str:
        row = credentials.ensure_typed(session, "v1", "TOKEN", "oauth", new_id="c1", now=NOW)
        return row.id

    credential_id = database.run_sync(work)
    add_login(database, "l1", credential_id=credential_id)
    add_login(database, "l2")
    database.run_sync(lambda session: session.add(account("a1", "l2")))
    named = database.read_sync(logins.list_logins)
    assert [(one.row.id, one.key, one.account_id, one.nickname) for one in named] == [
        ("l1", "TOKEN", "", ""),
        ("l2", "", "a1", "ada"),
    ]
    found = database.read_sync(lambda session: logins.login_of_credential(session, "c1"))
    assert found is not None
    assert found.id == "l1"
    assert database.read_sync(lambda session: logins.named_login(session, "l2")).nickname == "ada"
    fails(database, "not_found", lambda session: logins.named_login(session, "no"))


def test_a_login_goes_with_its_credential_and_its_vault(database: Database) -> None:
    """Nothing of it stays, its account's pins neither."""
    database.run_sync(
        lambda session: credentials.ensure_typed(
            session, "v1", "TOKEN", "oauth", new_id="c1", now=NOW
        )
    )
    add_login(database, "l1", credential_id="c1")
    add_login(database, "l2")
    database.run_sync(lambda session: session.add(account("a1", "l2")))
    agent = Agent(
        id="g1", name="bot", role="no-access", token_sha256=b"t", created_at=NOW, account_id="a1"
    )
    database.run_sync(lambda session: agents.add_agent(session, agent))
    database.run_sync(lambda session: credentials.delete_credentials(session, "v1", ["TOKEN"]))
    assert [one.row.id for one in database.read_sync(logins.list_logins)] == ["l2"]
    database.run_sync(lambda session: vaults.delete_vault(session, "default"))
    assert database.read_sync(logins.list_logins) == []
    assert database.read_sync(lambda session: session.exec(select(Agent.account_id)).one()) is None


def account(account_id: str, login_id: str) -> Account:
    """An account of vault `v1`."""
    return Account(
        id=account_id,
        vault_id="v1",
        provider="claude",
        login_id=login_id,
        email="ada@example.com",
        nickname="ada",
        priority=0,
        created_at=NOW,
    )
