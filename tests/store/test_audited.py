"""What transactions gather for the audit: every table has its place, and no secret is gathered."""

import pytest
from sqlmodel import Session, SQLModel, delete

from proxy_core.store import accounts, agents, credentials, installation, services, vaults
from proxy_core.store.audited import AUDITED, UNAUDITED, RowChange, row_changes
from proxy_core.store.database import Database
from proxy_core.store.tables import Agent, KeySlot, ServiceRow
from proxy_core.store.touched import NOTHING, Transaction
from tests.store.conftest import NOW

SECRET = b"sealed-value-that-nobody-may-see"


class Heard:
    """Stands for the trail: keeps what the transactions have changed."""

    def __init__(self, database: Database) -> None:
        self.changes: list[RowChange] = []
        database.before_commit = self._take

    def _take(self, session: Transaction) -> None:
        self.changes = list(row_changes(session))


@pytest.fixture
def heard(database: Database) -> Heard:
    """From now on."""
    return Heard(database)


def test_every_table_and_column_has_its_place() -> None:
    """A new one must be shown, kept secret, named or quiet, on purpose."""
    for name, table in SQLModel.metadata.tables.items():
        assert (name in AUDITED) != (name in UNAUDITED), f"{name} needs a place in store/audited.py"
        if name in AUDITED:
            declared = [column for part in AUDITED[name] for column in part]
            assert sorted(declared) == sorted(table.columns.keys()), name


def test_columns_of_bytes_are_never_shown() -> None:
    """Digests, tokens and ciphertext are binary: of none of them a value is gathered."""
    for name, columns in AUDITED.items():
        table = SQLModel.metadata.tables.get(name)
        for column in () if table is None else table.columns:
            if column.type.python_type is bytes:
                assert column.name not in columns.shown | columns.named, f"{name}.{column.name}"


def _agent(session: Session) -> Agent:
    row = Agent(id="a1", name="ci", role="member", token_sha256=SECRET, created_at=NOW)
    return agents.add_agent(session, row)


async def test_a_new_row_is_one_change_however_often_it_is_written(
    database: Database, heard: Heard
) -> None:
    """Flushes within a transaction do not count: what was before it and what is after it do."""
    await database.run(
        lambda session: credentials.set_credential(
            session, "v1", "KEY", lambda _: SECRET, new_id="c1", now=NOW
        )
    )
    (change,) = heard.changes
    assert (change.table, change.before) == ("credential", None)
    assert change.after is not None
    assert change.after["current_version"] == 1


async def test_a_changed_row_has_both_sides(database: Database, heard: Heard) -> None:
    """The former value and the present one; columns that only the worker counts do not matter."""
    await database.run(_agent)
    await database.run(lambda session: agents.set_agent_role(session, "ci", "owner"))
    (change,) = heard.changes
    assert change.changed == {"role"}
    assert change.before is not None
    assert change.after is not None
    assert (change.before["role"], change.after["role"]) == ("member", "owner")
    await database.run(lambda session: agents.touch_agents(session, {"a1": NOW + 1}))
    assert heard.changes == []


async def test_a_secret_column_is_told_by_its_name_alone(database: Database, heard: Heard) -> None:
    """Neither the old nor the new value is gathered."""
    await database.run(_agent)
    other = b"another-digest"
    await database.run(lambda session: agents.replace_token(session, "ci", other, None))
    (change,) = heard.changes
    assert change.secrets == {"token_sha256"}
    assert SECRET not in repr(change).encode()
    assert other not in repr(change).encode()


async def test_a_row_that_came_and_went_is_no_change(database: Database, heard: Heard) -> None:
    """What a transaction takes back, it never did."""

    def work(session: Session) -> None:
        _agent(session)
        agents.delete_agent(session, "ci")

    await database.run(work)
    assert heard.changes == []


async def test_replacing_all_tells_only_what_differs(database: Database, heard: Heard) -> None:
    """Services that are written again as they were are not told of."""
    same, old, new = (
        {"name": "same", "host": "a.example"},
        {"name": "gone", "host": "b.example"},
        {"name": "new", "host": "c.example"},
    )
    await database.run(lambda session: services.replace_documents(session, "v1", [same, old], NOW))
    await database.run(lambda session: services.replace_documents(session, "v1", [new, same], NOW))
    found = {change.row["name"]: change for change in heard.changes}
    assert set(found) == {"gone", "new"}
    assert found["gone"].after is None
    assert found["new"].before is None


async def test_a_bulk_statement_must_say_what_it_means(database: Database) -> None:
    """One that is silent about the audit is refused."""

    def silent(session: Session) -> None:
        session.exec(delete(ServiceRow).execution_options(touches=NOTHING))

    with pytest.raises(TypeError, match="audit"):
        await database.run(silent)


async def test_deleted_in_bulk_is_told(database: Database, heard: Heard) -> None:
    """Credentials that go at once are told one by one."""
    for key in ("A", "B"):
        await database.run(
            lambda session, key=key: credentials.set_credential(  # type: ignore[misc]  # bound now
                session, "v1", key, lambda _: SECRET, new_id=key, now=NOW
            )
        )
    await database.run(lambda session: credentials.delete_credentials(session, "v1", ["A", "B"]))
    assert [(change.row["key"], change.after) for change in heard.changes] == [
        ("A", None),
        ("B", None),
    ]


async def test_a_merged_row_is_told(database: Database, heard: Heard) -> None:
    """Settings and key slots are written by merging: that counts as any other write."""
    await database.run(lambda session: installation.save_settings(session, {"max_holds": 3}, NOW))
    await database.run(lambda session: installation.save_settings(session, {"max_holds": 4}, NOW))
    (change,) = heard.changes
    assert change.before is not None
    assert (change.before["value"], change.row["value"]) == (3, 4)
    slot = KeySlot(
        id="s1",
        kind="password",
        label="mine",
        params={"salt": "c2FsdA=="},
        wrapped_dek=SECRET,
        key_version=1,
        created_at=NOW,
    )
    await database.run(lambda session: installation.save_slot(session, slot))
    assert "salt" not in repr(heard.changes)


async def test_a_vault_goes_as_one(database: Database, heard: Heard) -> None:
    """What the database deletes with it is not told one by one."""
    await database.run(
        lambda session: services.upsert_documents(
            session, "v1", [{"name": "a", "host": "a.example"}], NOW
        )
    )
    await database.run(lambda session: vaults.delete_vault(session, "default"))
    assert [(change.table, change.row["name"]) for change in heard.changes] == [
        ("vault", "default")
    ]
    assert await database.read(lambda session: accounts.list_accounts(session)) == []
