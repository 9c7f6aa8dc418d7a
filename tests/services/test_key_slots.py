"""Changing the ways in which the vault opens."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.seal import SlotRecord
from proxy_core.services import slots
from proxy_core.services.application import Application
from proxy_core.services.principal import peer
from proxy_core.store import installation
from tests.services.audit.rig import told
from tests.services.conftest import ADA, Opener, put_credentials

OLD = wire.InitRequest(slot="password", secret="correct horse", label="mine")


def proof(secret: str) -> wire.KeyProof:
    """A password."""
    return wire.KeyProof(slot="password", secret=secret)


async def refused(code: str, call: object) -> VaultError:
    """The refusal, which must have this code."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.code == code
    return caught.value


def is_there(path: Path) -> bool:
    """Whether the file is still there."""
    return path.exists()


def overwrite(path: Path, text: str) -> None:
    """What stands there is no key any more."""
    path.write_text(text)


def kinds(app: Application) -> list[str]:
    """What slots there are."""
    return [slot.kind for slot in app.key_slots.shown().slots]


async def test_another_password_opens_what_the_old_one_did(
    app: Application, reopen: Opener
) -> None:
    """The slot stays what it was, its old password opens nothing, and no value is sealed anew."""
    await put_credentials(app, API_KEY="s3cret")
    before = app._context.vault("default").secrets["API_KEY"].blob
    slot = await app.key_slots.add(OLD, ADA)
    changed = await app.key_slots.change(slot.id, wire.ChangeSlot(secret="battery staple"), ADA)
    assert changed == slot
    assert app._context.vault("default").secrets["API_KEY"].blob == before
    app = await reopen()
    await refused("wrong_key", app.keys.unseal(proof("correct horse"), peer()))
    await app.keys.unseal(proof("battery staple"), peer())
    assert ("key_slot.changed", "mine") in await told(app)


async def test_only_a_password_can_be_changed(app: Application) -> None:
    """Of a key file there is nothing to say; an empty password and an unknown slot are refused."""
    (key_file,) = app.key_slots.shown().slots
    new = wire.ChangeSlot(secret="x")
    await refused("bad_request", app.key_slots.change(key_file.id, new, ADA))
    await refused("not_found", app.key_slots.change("nobody", new, ADA))
    slot = await app.key_slots.add(OLD, ADA)
    await refused("bad_request", app.key_slots.change(slot.id, wire.ChangeSlot(secret=""), ADA))
    await app.keys.prove(proof("correct horse"), peer())


async def test_the_last_slot_that_opens_stays(app: Application, key_file: Path) -> None:
    """One whose key is gone does not count, and force changes nothing about that."""
    (first,) = app.key_slots.shown().slots
    await refused("conflict", app.key_slots.remove(first.id, ADA, force=True))
    slot = await app.key_slots.add(OLD, ADA)
    overwrite(key_file, "")
    await refused("conflict", app.key_slots.remove(slot.id, ADA, force=True))
    assert kinds(app) == ["keyfile", "password"]


async def test_what_starts_unattended_is_removed_only_when_forced(
    app: Application, key_file: Path, reopen: Opener
) -> None:
    """A password alone would keep a server from starting by itself; the key file goes with it."""
    (first,) = app.key_slots.shown().slots
    await app.key_slots.add(OLD, ADA)
    await refused("conflict", app.key_slots.remove(first.id, ADA, force=False))
    assert is_there(key_file)
    assert (await app.key_slots.remove(first.id, ADA, force=True)).removed == first.id
    assert (kinds(app), is_there(key_file)) == (["password"], False)
    assert ("key_slot.removed", "keyfile") in await told(app)
    app = await reopen()
    assert await app.keys.unseal_automatically() is None
    await app.keys.unseal(proof("correct horse"), peer())


async def test_a_key_file_that_is_another_ones_is_left_alone(
    app: Application, key_file: Path, tmp_path: Path
) -> None:
    """What stands at the slot's path now is not the slot's."""
    (first,) = app.key_slots.shown().slots
    await app.key_slots.add(wire.InitRequest(slot="keyfile", path=str(tmp_path / "b.key")), ADA)
    overwrite(key_file, "something else")
    await app.key_slots.remove(first.id, ADA, force=False)
    assert is_there(key_file)


async def test_a_sealed_vault_changes_no_slot(app: Application) -> None:
    """Nothing could be wrapped, and nothing shown to open."""
    slot = await app.key_slots.add(OLD, ADA)
    await app.keys.seal(ADA)
    await refused("sealed", app.key_slots.change(slot.id, wire.ChangeSlot(secret="x"), ADA))
    await refused("sealed", app.key_slots.remove(slot.id, ADA, force=True))
    await refused("sealed", app.key_slots.add(OLD, ADA))


async def test_slots_that_another_worker_has_changed_are_looked_at_again(
    each_app: Application,
) -> None:
    """Two who each remove the other's slot would leave none."""
    slot = await each_app.key_slots.add(OLD, ADA)
    (first, _) = each_app.key_slots.shown().slots
    await each_app._context.database.run(lambda session: installation.remove_slot(session, slot.id))
    await refused("conflict", each_app.key_slots.remove(first.id, ADA, force=True))


@pytest.mark.parametrize("made", ["create_slot", "change_password"])
async def test_a_key_that_another_worker_rotates_meanwhile_is_wrapped_by_no_slot(
    each_app: Application, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    """Wrapped before and stored after, a slot would open the old key: for a password, nothing."""
    slot = await each_app.key_slots.add(OLD, ADA)
    database, in_earnest = each_app._context.database, getattr(slots, made)

    def overtaken(*arguments: object) -> SlotRecord:
        wrapped: SlotRecord = in_earnest(*arguments)
        database.run_sync(lambda session: wrap_anew(session, slot.id))
        return wrapped

    with monkeypatch.context() as patched:
        patched.setattr(slots, made, overtaken)
        if made == "create_slot":
            await refused("conflict", each_app.key_slots.add(OLD, ADA))
        else:
            new = wire.ChangeSlot(secret="battery staple")
            await refused("conflict", each_app.key_slots.change(slot.id, new, ADA))
    stored = await database.read(installation.list_slots)
    assert [row.wrapped_dek for row in stored if row.kind == "password"] == [bytes(60)]


def wrap_anew(session: Session, slot_id: str) -> None:
    """As another worker does, of whom this one has not heard yet."""
    installation.key_slot(session, slot_id).wrapped_dek = bytes(60)


async def test_slots_of_a_key_that_is_not_here_yet_are_left_alone(app: Application) -> None:
    """Between another worker's rotation and this one's new key nothing is wrapped."""
    app.keys.slots = [replace(slot, key_version=2) for slot in app.keys.slots]
    await refused("sealed", app.key_slots.add(OLD, ADA))
    await refused("sealed", app.rotation.rotate(wire.RotateKey(), ADA))
    backup = wire.MakeBackup(path="/nowhere/x", passphrase="battery staple")
    await refused("sealed", app.backups.make(backup, "1.0"))
