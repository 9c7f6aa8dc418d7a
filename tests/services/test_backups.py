"""Backing up and restoring the whole vault."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.seal import SlotDraft, SlotRecord, new_dek
from proxy_core.seal.backup_file import BackupHead, pack
from proxy_core.seal.password_slot import create_password_slot
from proxy_core.services import restoring
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.logins import LoginState
from proxy_core.services.principal import peer
from proxy_core.services.restoring import Key, Restored, restore
from proxy_core.store import copying, installation, vaults
from proxy_core.store.copying import Contents
from proxy_core.store.database import Database
from proxy_core.store.upgrade import MIGRATIONS, known_revisions
from tests.schemas import copy_newest
from tests.services.audit.rig import told
from tests.services.conftest import ADA, NOW, Opener, put_credentials
from tests.services.test_rotation import check_readable, fill

PASSWORD, PHRASE = "correct horse", "battery staple"
SLOT = wire.InitRequest(slot="password", secret=PASSWORD)
KEY = Key(password=PASSWORD)


def mode(path: Path) -> int:
    """Who may read it."""
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path, pattern: str) -> list[str]:
    """Files of this pattern."""
    return sorted(path.name for path in directory.glob(pattern))


def yes(_: BackupHead, __: Contents) -> bool:
    """Whoever is asked agrees."""
    return True


def refused(code: str, backup: Path, place: Path, key: Key = KEY, replace: bool = False) -> str:
    """Restoring fails with this code, and leaves nothing behind; answers the sentence."""
    before = snapshot(place.parent)
    with pytest.raises(VaultError) as caught:
        restore(backup, place, key, replace=replace, agreed=yes)
    assert caught.value.code == code
    assert snapshot(place.parent) == before
    return str(caught.value)


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file of a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


@pytest.fixture
async def filled(app: Application, tmp_path: Path) -> Application:
    """A vault with something of everything, that a password opens too."""
    await fill(app, tmp_path)
    await app.key_slots.add(SLOT, ADA)
    return app


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Where another machine's database would be."""
    place = tmp_path / "elsewhere" / "vault.db"
    place.parent.mkdir(mode=0o700)
    return place


async def backed_up(app: Application, path: Path, **more: str) -> Path:
    """A backup there."""
    await app.backups.make(wire.MakeBackup(path=str(path), **more), "1.0")
    return path


async def test_the_password_alone_restores_everything_elsewhere(
    filled: Application, elsewhere: Path, tmp_path: Path, clock: FakeClock
) -> None:
    """A new machine has the file and the password: every kind of secret can be read there."""
    backup = await backed_up(filled, tmp_path / "vault.backup")
    assert mode(backup) == 0o600
    assert b"SQLite" not in read(backup)
    assert names(tmp_path, "*.partial") == names(tmp_path, "*.copy*") == []
    assert ("vault.backed_up", "vault.backup") in await told(filled)
    shown: list[Contents] = []

    def agreed(head: BackupHead, contents: Contents) -> bool:
        shown.append(contents)
        return head.version == "1.0"

    done = restore(backup, elsewhere, KEY, replace=False, agreed=agreed)
    assert done == Restored(shown[0], None, 0)
    held = {vault.name: vault.credentials for vault in shown[0].vaults}
    assert held == {"default": 2, "elsewhere": 0}
    assert (mode(elsewhere), names(elsewhere.parent, "*")) == (0o600, ["vault.db"])
    there = await Application.open(ApplicationConfig(elsewhere), clock)
    try:
        await there.keys.unseal(wire.KeyProof(slot="password", secret=PASSWORD), peer())
        await there.logins._resuming  # type: ignore[misc]
        await check_readable(there)
        assert ("vault.restored", "") in await told(there)
    finally:
        await there.close()


def read(path: Path) -> bytes:
    """A file's bytes."""
    return path.read_bytes()


async def test_a_passphrase_opens_the_backup_and_the_vault_that_comes_of_it(
    app: Application, elsewhere: Path, tmp_path: Path, clock: FakeClock
) -> None:
    """A server that only has a key file is restored where that file is not."""
    with pytest.raises(VaultError) as caught:
        await backed_up(app, tmp_path / "none.backup")
    assert caught.value.code == "bad_request"
    backup = await backed_up(app, tmp_path / "vault.backup", passphrase=PHRASE)
    refused("wrong_key", backup, elsewhere, Key(password=PASSWORD))
    assert restore(backup, elsewhere, Key(password=PHRASE), replace=False, agreed=yes)
    there = await Application.open(ApplicationConfig(elsewhere), clock)
    await there.keys.unseal(wire.KeyProof(slot="password", secret=PHRASE), peer())
    assert there.keys.slot_kinds == ["keyfile", "password"]
    await there.close()
    assert app.keys.slot_kinds == ["keyfile"]
    copy = elsewhere.with_name("again.db")
    file = tmp_path / "master.key"
    assert restore(backup, copy, Key(file=file), replace=False, agreed=yes)


async def test_nothing_is_ever_overwritten(filled: Application, tmp_path: Path) -> None:
    """A file, a dangling link, a path that can't be written: each is left as it is."""
    there, link = tmp_path / "there", tmp_path / "link"
    make_files(there, link)
    for path in (there, link):
        with pytest.raises(VaultError) as caught:
            await backed_up(filled, path)
        assert caught.value.code == "conflict"
    for name in ("relative", str(tmp_path / "missing" / "x"), str(tmp_path / "a\0b")):
        with pytest.raises(VaultError) as caught:
            await filled.backups.make(wire.MakeBackup(path=name), "1.0")
        assert caught.value.code == "bad_request"
    assert read(there) == b"mine"
    assert names(tmp_path, ".*.partial") == []
    await filled.keys.seal(ADA)
    with pytest.raises(VaultError) as caught:
        await backed_up(filled, tmp_path / "sealed")
    assert caught.value.code == "sealed"


def make_files(there: Path, link: Path) -> None:
    """A file, and a link that leads nowhere."""
    there.write_bytes(b"mine")
    link.symlink_to(there.with_name("nowhere"))


async def test_a_backup_is_of_one_key(
    filled: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker may rotate it between the look at the slots and the copy."""
    copied = copying.copy_database

    def rotated(path: Path, to: Path) -> None:
        copied(path, to)
        with sqlite3.connect(to) as database:
            database.execute("UPDATE key_slot SET key_version = 2")
        database.close()

    monkeypatch.setattr("proxy_core.services.backups.copy_database", rotated)
    with pytest.raises(VaultError) as caught:
        await backed_up(filled, tmp_path / "vault.backup")
    assert caught.value.code == "conflict"
    assert names(tmp_path, "*.backup") == names(tmp_path, ".*.partial") == []


async def test_a_vault_in_postgresql_names_what_backs_it_up(
    each_app: Application, tmp_path: Path
) -> None:
    """Its server has a tool for that."""
    if each_app.database_kind == "postgresql":
        with pytest.raises(VaultError, match="pg_dump"):
            await backed_up(each_app, tmp_path / "x", passphrase=PHRASE)


async def test_what_is_damaged_is_refused_before_anything_is_touched(
    filled: Application, elsewhere: Path, tmp_path: Path
) -> None:
    """Altered, cut, added to, with the wrong password, or no backup at all."""
    backup = await backed_up(filled, tmp_path / "vault.backup")
    keep(elsewhere, b"")
    whole = read(backup)
    for content in (whole[:-1], whole[:-300], whole + b"x", flipped(whole)):
        keep(backup, content)
        refused("backup_damaged", backup, elsewhere)
    keep(backup, whole)
    refused("wrong_key", backup, elsewhere, Key(password="wrong"))
    refused("bad_request", tmp_path / "missing", elsewhere)
    refused("backup_damaged", tmp_path / "vault.db", elsewhere)
    assert restore(backup, elsewhere, KEY, replace=False, agreed=lambda *_: False) is None
    assert snapshot(elsewhere.parent) == {"vault.db": b""}


def keep(path: Path, content: bytes) -> None:
    """A file with this content."""
    path.write_bytes(content)


def flipped(whole: bytes) -> bytes:
    """One bit of it is another, far from the header."""
    middle = len(whole) - 1000
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


async def test_a_vault_that_is_there_is_put_aside_only_when_told(
    filled: Application, tmp_path: Path, reopen: Opener, key_file: Path
) -> None:
    """What was there can be used again; a login that it had refreshed since is to be connected."""
    backup = await backed_up(filled, tmp_path / "vault.backup")
    place = tmp_path / "vault.db"
    await put_credentials(filled, LATER_KEY="x")
    (login,) = filled.logins.all()
    await filled.close()
    with sqlite3.connect(place) as database:
        database.execute("UPDATE oauth_login SET generation = generation + 1")
    database.close()
    assert "--replace" in refused("conflict", backup, place)
    done = restore(backup, place, KEY, replace=True, agreed=yes)
    assert done is not None
    assert done.aside is not None
    assert (done.reconnect, mode(done.aside)) == (1, 0o600)
    assert {"LATER_KEY"} <= keys(done.aside)
    assert "LATER_KEY" not in keys(place)
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyfile"
    await app.logins._resuming  # type: ignore[misc]
    found = app.logins.get(login.id)
    assert found is not None
    assert (found.state, "was used since" in found.last_error) == (LoginState.RECONNECT, True)


def keys(database: Path) -> set[str]:
    """The credentials that a database names."""
    connection = sqlite3.connect(database)
    try:
        return {key for (key,) in connection.execute("SELECT key FROM credential")}
    finally:
        connection.close()


@pytest.mark.parametrize("step", ["replace", "_adopt"])
async def test_a_failure_on_the_way_leaves_the_vault_that_was_there(
    filled: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Up to the very rename: the database is the one before, and whole."""
    backup, place = await backed_up(filled, tmp_path / "vault.backup"), tmp_path / "vault.db"
    await put_credentials(filled, LATER_KEY="x")
    await filled.close()

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target: object = Path if step == "replace" else restoring
    monkeypatch.setattr(target, step, fails)
    with pytest.raises((VaultError, OSError)):
        restore(backup, place, KEY, replace=True, agreed=yes)
    assert "LATER_KEY" in keys(place)
    assert names(tmp_path, "*.restoring*") == []


@pytest.fixture
def key_and_slot() -> tuple[bytearray, SlotRecord]:
    """A key, and the slot that a password opens."""
    dek = new_dek()
    return dek, create_password_slot(SlotDraft("s1", "mine", NOW), dek, PASSWORD.encode())


def of_schema(revision: str, directory: Path, key_and_slot: tuple[bytearray, SlotRecord]) -> Path:
    """A backup by a version with this schema, of a vault without slots of its own."""
    path = directory / "earlier.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, min(revision, known_revisions()[-1]))
        connection.execute(text("INSERT INTO vault VALUES ('v1', 'kept', 'deny', 0)"))
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": revision})
    engine.dispose()
    return packed(path, key_and_slot)


def test_an_older_schema_is_migrated(
    elsewhere: Path, tmp_path: Path, key_and_slot: tuple[bytearray, SlotRecord]
) -> None:
    """What it holds serves at once, opened by what has opened the backup."""
    backup = of_schema("0010", tmp_path, key_and_slot)
    assert restore(backup, elsewhere, KEY, replace=False, agreed=yes)
    database = Database.open(elsewhere)
    try:
        assert [row.name for row in database.read_sync(vaults.list_vaults)] == ["kept"]
        assert [row.id for row in database.read_sync(installation.list_slots)] == ["s1"]
    finally:
        database.close()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON vault BEGIN DELETE FROM agent; END",
        "CREATE VIEW v AS SELECT * FROM vault",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "DROP TABLE alembic_version; CREATE VIEW alembic_version AS WITH RECURSIVE "
        "n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i AS version_num FROM n",
    ],
)
def test_only_data_is_taken(
    elsewhere: Path, tmp_path: Path, key_and_slot: tuple[bytearray, SlotRecord], sql: str
) -> None:
    """What would do something by itself, now or years later, is no part of a vault."""
    with closing(sqlite3.connect(copy_newest(tmp_path / "hostile.db"))) as hostile:
        hostile.executescript(sql)
    refused("backup_damaged", packed(tmp_path / "hostile.db", key_and_slot), elsewhere)


def packed(path: Path, key_and_slot: tuple[bytearray, SlotRecord]) -> Path:
    """A backup of any file, as somebody who knows the password makes it."""
    dek, slot = key_and_slot
    backup = path.with_suffix(".backup")
    with path.open("rb") as plain, backup.open("wb") as out:
        pack(plain, out, dek, [slot], created_at=NOW, version="0.1")
    return backup


async def test_a_database_that_cannot_stand_alone_takes_no_place(
    filled: Application, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is still in its log, as on a full disk, would be lost with the log."""
    backup = await backed_up(filled, tmp_path / "vault.backup")
    merged, readers = copying.merge_log, []

    def in_use(path: Path) -> None:
        readers.append(sqlite3.connect(path, isolation_level=None))
        for statement in ("BEGIN", "SELECT count(*) FROM vault"):
            readers[0].execute(statement)
        merged(path)

    monkeypatch.setattr(copying, "merge_log", in_use)
    refused("database_unavailable", backup, elsewhere)
    readers[0].close()


def test_a_newer_schema_is_refused(
    elsewhere: Path, tmp_path: Path, key_and_slot: tuple[bytearray, SlotRecord]
) -> None:
    """With its number, and nothing is changed."""
    backup = of_schema("9999", tmp_path, key_and_slot)
    assert "9999" in refused("database_newer", backup, elsewhere)


def test_a_file_system_without_links_keeps_a_copy_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As USB sticks have them."""

    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    place, new = tmp_path / "vault.db", tmp_path / "new.db"
    place.write_bytes(b"before")
    shutil.copy(place, new)
    new.write_bytes(b"after")
    aside = copying.put_in_place(new, place, tmp_path / "aside")
    assert aside is not None
    assert (aside.read_bytes(), place.read_bytes(), mode(aside)) == (b"before", b"after", 0o600)
