"""A new key: everything sealed anew or nothing, and nobody who works meanwhile notices."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import keyring
import pytest
from sqlmodel import Session, SQLModel, select

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.oauth import OAuthClient, TokenSet
from proxy_core.seal import SlotRecord
from proxy_core.services import rotation
from proxy_core.services.application import Application
from proxy_core.services.attempts import LIMIT, WINDOW_SECONDS
from proxy_core.services.context import Read
from proxy_core.services.principal import peer
from proxy_core.store import installation, logins, tables
from proxy_core.store.sealed import SEALED
from tests.keyrings import MemoryKeyring
from tests.services.audit.rig import told
from tests.services.commands.rig import KEY as COMMAND
from tests.services.commands.rig import approved, authorization, fake_op
from tests.services.conftest import (
    ADA,
    Opener,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
)
from tests.services.proposals.conftest import VALUE, an_agent, propose, slot

ALONE = wire.RotateKey()
PASSWORD = wire.InitRequest(slot="password", secret="correct horse")
REVEAL = wire.RevealProposed(key="STRIPE_KEY")
HOOK = "https://hooks.example.com/s3cret-path"


async def refused(code: str, call: object) -> VaultError:
    """The refusal, which must have this code."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.code == code
    return caught.value


async def fill(app: Application, directory: Path) -> None:
    """Something in every column that is sealed."""
    await put_credentials(app, API_KEY="an old value")
    await put_credentials(app, API_KEY="s3cret")
    await put_service(app, "example", "api.example.com", "API_KEY")
    await approved(app, fake_op(directory))
    await app.webhooks.add(wire.AddWebhook(url=HOOK), ADA)
    slots = [slot("STRIPE_KEY", value=VALUE)]
    await propose(app, await an_agent(app), credentials=slots)
    await app.vaults.create(wire.VaultName(name="elsewhere"), ADA)
    source = wire.SetSource(type="hashicorp", url="https://kv.example.com", path="a/b", token="t")
    await app.sources.set("elsewhere", source, ADA)
    await app._context.change(lambda session: _login(app, session), app.logins.put)


def _login(app: Application, session: Session) -> logins.OAuthLogin:
    client = OAuthClient(token_url="https://login.example.com/token", client_id="cli")
    tokens = TokenSet(b"an access token", b"a refresh token", None)
    vault_id = app._context.vault("default").id
    return app.logins.create(session, vault_id, client, b"a client's secret", tokens)  # type: ignore[return-value]


def blobs(session: Session) -> dict[str, list[bytes]]:
    """Every ciphertext by its column."""
    found: dict[str, list[bytes]] = {}
    for one in SEALED:
        column = SQLModel.metadata.tables[one.table].c[one.name]
        rows = session.connection().execute(select(column)).scalars()
        found[f"{one.table}.{one.name}"] = [blob for blob in rows if blob is not None]
    return found


async def read(app: Application) -> dict[str, list[bytes]]:
    """Every ciphertext that is stored."""
    return await app._context.database.read(blobs)


async def check_readable(app: Application) -> None:
    """One of each kind, asked for as it is used."""
    found = await app.credentials.reveal("default", ADA)
    assert {one.key: one.value for one in found.credentials or []}["API_KEY"] == "s3cret"
    entry = app._context.vault("default")
    command = entry.borrowed[COMMAND].command
    assert command is not None
    assert command.approved(app._context.sealer)
    (hook,) = app.webhooks.list().webhooks
    assert app.webhooks.address(app.webhooks.get(hook.id)).url == HOOK
    assert (await app.proposals.reveal(1, REVEAL, ADA)).value == VALUE
    (login,) = app.logins.all()
    assert (await app.logins.access(login.id)).value == b"an access token"
    verified = await app.auditing.verify()
    assert (verified.ok, verified.seals_checked, verified.unsealed) == (True, True, 0)
    assert app.problems() == []


async def test_everything_is_sealed_anew(each_app: Application, tmp_path: Path) -> None:
    """No ciphertext is the old one, each names the new key, and all that was stored can be read."""
    await fill(each_app, tmp_path)
    before = await read(each_app)
    assert all(before.values()), "the test stores something in every sealed column"
    done = await each_app.rotation.rotate(ALONE, ADA)
    after = await read(each_app)
    assert done.key_version == 2
    assert (done.resealed, done.unreadable) == (sum(map(len, before.values())), 0)
    for column, sealed in after.items():
        assert len(sealed) == len(before[column])
        assert not set(sealed) & set(before[column])
        assert {blob[:5] for blob in sealed} == {b"\x01\x00\x00\x00\x02"}, column
    await check_readable(each_app)
    assert ("key.rotated", "2") in await told(each_app)
    actions = [action for action, _ in await told(each_app)]
    assert actions[actions.index("key.rotated") - 1] == "key_slot.rewrapped"
    assert "webhook.updated" not in actions


async def test_the_file_keeps_nothing_of_the_old_key(app: Application, tmp_path: Path) -> None:
    """Neither the database nor its log: whoever has the old key finds nothing to open with it."""
    await fill(app, tmp_path)
    await app.key_slots.add(PASSWORD, ADA)
    added = app.keys.slots[-1]
    await app.key_slots.change(added.id, wire.ChangeSlot(secret="battery staple"), ADA)
    assert added.wrapped_dek not in _files(tmp_path)
    old = [blob for blobs_ in (await read(app)).values() for blob in blobs_]
    old += [slot.wrapped_dek for slot in app.keys.slots]
    assert all(blob in _files(tmp_path) for blob in old)
    await app.rotation.rotate(wire.RotateKey(drop=[added.id]), ADA)
    assert not any(blob in _files(tmp_path) for blob in old)


def _files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.glob("vault.db*")))


async def test_a_restart_opens_with_what_it_did_before(
    app: Application, reopen: Opener, tmp_path: Path
) -> None:
    """The key file and the password stay; what was counted of the old key begins anew."""
    await fill(app, tmp_path)
    added = await app.key_slots.add(PASSWORD, ADA)
    sealed = (
        await app.rotation.rotate(wire.RotateKey(secrets={added.id: PASSWORD.secret}), ADA)
    ).resealed
    assert app._context.sealer.encryptions == sealed
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyfile"
    assert app._context.sealer.encryptions == sealed
    await app.logins._resuming  # type: ignore[misc]
    await check_readable(app)
    await app.keys.prove(wire.KeyProof(slot="password", secret=PASSWORD.secret), peer())
    assert (await app.rotation.rotate(wire.RotateKey(drop=[added.id]), ADA)).key_version == 3
    assert app.keys.slot_kinds == ["keyfile"]


async def test_a_slot_that_does_not_open_is_dropped_or_nothing_is_rotated(
    app: Application, key_file: Path
) -> None:
    """No slot is lost by an oversight: its password is missing or wrong, or its key is gone."""
    added = await app.key_slots.add(PASSWORD, ADA)
    await refused("bad_request", app.rotation.rotate(ALONE, ADA))
    wrong = wire.RotateKey(secrets={added.id: "wrong"})
    assert "'password'" in (await refused("wrong_key", app.rotation.rotate(wrong, ADA))).detail
    everything = wire.RotateKey(drop=[slot.id for slot in app.key_slots.shown().slots])
    await refused("bad_request", app.rotation.rotate(everything, ADA))
    await refused("bad_request", app.rotation.rotate(wire.RotateKey(drop=["nobody"]), ADA))
    _lose(key_file)
    right = wire.RotateKey(secrets={added.id: PASSWORD.secret})
    await refused("key_slot_unusable", app.rotation.rotate(right, ADA))
    assert app._context.sealer.key_version == 1


def _lose(path: Path) -> None:
    path.unlink()


async def test_passwords_are_guessed_no_faster_here_than_at_unlocking(
    app: Application, clock: FakeClock
) -> None:
    """A wrong one counts among all wrong proofs, is told of, and too many make the next wait."""
    added = await app.key_slots.add(PASSWORD, ADA)
    wrong, right = (
        wire.RotateKey(secrets={added.id: secret}) for secret in ("wrong", PASSWORD.secret)
    )
    for _ in range(LIMIT):
        await refused("wrong_key", app.rotation.rotate(wrong, ADA))
    assert len(events_of(app, "operator.refused")) == LIMIT
    await refused("rate_limited", app.rotation.rotate(right, ADA))
    proof = wire.KeyProof(slot="password", secret=PASSWORD.secret)
    await refused("rate_limited", app.keys.prove(proof, peer()))
    clock.advance(WINDOW_SECONDS)
    assert (await app.rotation.rotate(right, ADA)).key_version == 2


async def test_another_workers_rotation_that_comes_first_is_not_taken_for_damage(
    each_app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other has sealed is unreadable here, and must not be given up for that."""
    await fill(each_app, tmp_path)
    database, in_earnest = each_app._context.database, rotation._rewrapped

    def overtaken(*arguments: Any) -> list[SlotRecord]:
        wrapped = in_earnest(*arguments)
        database.run_sync(_rotated_elsewhere)
        return wrapped

    monkeypatch.setattr(rotation, "_rewrapped", overtaken)
    before = await read(each_app)
    leave = wire.RotateKey(leave_unreadable=True)
    await refused("sealed", each_app.rotation.rotate(leave, ADA))
    assert await read(each_app) == before
    assert {row.key_version for row in await database.read(installation.list_slots)} == {2}
    assert each_app.rotation._task is not None
    await each_app.rotation._task  # it has looked at the slots again, and nothing opens them here
    assert each_app.keys.sealed
    assert "another worker" in each_app.problems()[0].lower()


def _rotated_elsewhere(session: Session) -> None:
    for row in installation.list_slots(session):
        row.key_version, row.wrapped_dek = 2, bytes(60)


async def test_a_failure_on_the_way_changes_nothing(
    each_app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the transaction, all is as it was, and the next attempt succeeds."""
    await fill(each_app, tmp_path)
    before = await read(each_app)
    with monkeypatch.context() as patched:
        patched.setattr(rotation, "_store_slots", _break)
        await refused("database_unavailable", each_app.rotation.rotate(ALONE, ADA))
    assert await read(each_app) == before
    await check_readable(each_app)
    await put_credentials(each_app, OTHER_KEY="x")
    assert (await each_app.rotation.rotate(ALONE, ADA)).key_version == 2


def _break(*_: object) -> None:
    raise VaultError("database_unavailable")


async def test_what_cannot_be_read_stops_it_unless_told_otherwise(
    app: Application, tmp_path: Path
) -> None:
    """A damaged value is named; left alone, it stays as it is and the rest is sealed anew."""
    await put_credentials(app, GOOD_KEY="s3cret", BAD_KEY="s3cret")
    with sqlite3.connect(tmp_path / "vault.db") as database:
        bad = "(SELECT id FROM credential WHERE key = 'BAD_KEY')"
        statement = f"UPDATE credential_version SET sealed = ? WHERE credential_id = {bad}"
        database.execute(statement, (b"\x01\x00\x00\x00\x01" + bytes(60),))
    database.close()
    failure = await refused("credential_unreadable", app.rotation.rotate(ALONE, ADA))
    assert "credential_version" in failure.detail
    done = await app.rotation.rotate(wire.RotateKey(leave_unreadable=True), ADA)
    assert done.unreadable == 1
    found = await app.credentials.reveal("default", ADA, "GOOD_KEY")
    assert (found.credentials or [])[0].value == "s3cret"


async def test_requests_under_way_go_on(app: Application, tmp_path: Path) -> None:
    """What a request has looked up before is decrypted after, a command's value as well."""
    await fill(app, tmp_path)
    await put_service(app, "program", "op.example.com", COMMAND)
    token = await make_agent(app, "worker", "default")
    access = app.broker.authenticate(basic(token))
    command = app.broker.decide(access, facts("op.example.com"))
    injection = await app.broker.inject(command)  # type: ignore[arg-type]
    assert b"first-secret-value" in authorization(injection)
    entry = app._context.vault("default")
    done = asyncio.ensure_future(app.rotation.rotate(ALONE, ADA))
    while not done.done():
        injection = await app.broker.inject(app.broker.decide(access, facts()))  # type: ignore[arg-type]
        assert b"s3cret" in authorization(injection)
        await asyncio.sleep(0)
    old = entry.secrets["API_KEY"]
    assert app._context.sealer.unseal(old.blob, old.aad) == b"s3cret"
    assert (await app.broker.inject(command)).headers  # type: ignore[arg-type]
    await app._context.take_in(app._context.read_everything)
    app._context.sealer.forget_former()
    assert (await app.broker.inject(command)).headers  # type: ignore[arg-type]


async def test_the_old_key_is_let_go_of(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once everything was read again and requests have had their time, it reads nothing."""
    monkeypatch.setattr(rotation, "FORMER_SECONDS", 0.0)
    await put_credentials(app, API_KEY="s3cret")
    old = app._context.vault("default").secrets["API_KEY"]
    await app.rotation.rotate(ALONE, ADA)
    task = app.rotation._task
    assert task is not None
    await task
    with pytest.raises(VaultError):
        app._context.sealer.unseal(old.blob, old.aad)
    new = app._context.vault("default").secrets["API_KEY"]
    assert app._context.sealer.unseal(new.blob, new.aad) == b"s3cret"


async def test_a_database_that_is_away_then_is_asked_again(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until what is in memory is of the new key, the old one stays."""
    monkeypatch.setattr(rotation, "FORMER_SECONDS", 0.0)
    monkeypatch.setattr(rotation, "_FIRST_PAUSE", 0.0)
    await put_credentials(app, API_KEY="s3cret")
    take_in, times = app._context.take_in, iter((True, True, False))

    async def away(read: Read) -> None:
        if next(times):
            raise VaultError("database_unavailable")
        old = app._context.vault("default").secrets["API_KEY"]
        assert app._context.sealer.unseal(old.blob, old.aad) == b"s3cret"
        await take_in(read)

    monkeypatch.setattr(app._context, "take_in", away)
    await app.rotation.rotate(ALONE, ADA)
    assert app.rotation._task is not None
    await app.rotation._task
    found = await app.credentials.reveal("default", ADA)
    assert (found.credentials or [])[0].value == "s3cret"
    assert next(times, None) is None


async def test_a_keyring_opens_the_new_key(reopen: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry stays what it was, so that it is right whether the rotation succeeds or not."""
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    app = await reopen()
    await app.keys.initialise(wire.InitRequest(slot="keyring"), peer())
    await put_credentials(app, API_KEY="s3cret")
    await app.rotation.rotate(ALONE, ADA)
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyring"
    found = await app.credentials.reveal("default", ADA)
    assert (found.credentials or [])[0].value == "s3cret"


async def test_what_the_old_key_has_sealed_is_not_stored_any_more(app: Application) -> None:
    """Sealed before, stored after: it is refused, since nobody could ever read it."""
    await put_credentials(app, API_KEY="s3cret")
    late = app._context.sealer.encryptor().seal(b"late", b"place")
    await app.rotation.rotate(ALONE, ADA)

    def work(session: Session) -> None:
        session.exec(select(tables.CertificateAuthority)).one().sealed = late

    await refused("conflict", app._context.database.run(work))
    assert events_of(app, "settings.changed")[-1].data["key"] == "rotated"


async def test_a_refresh_by_another_worker_comes_first(app: Application, tmp_path: Path) -> None:
    """Its tokens would come back sealed under the old key, and be lost."""
    await fill(app, tmp_path)

    def begin(session: Session) -> None:
        row = session.exec(select(tables.OAuthLogin)).one()
        owner = app.logins._locks.owner
        logins.begin_refresh(session, row.id, row.generation, owner, app._context.clock.time())

    await app._context.database.run(begin)
    await refused("conflict", app.rotation.rotate(ALONE, ADA))
    assert app._context.sealer.key_version == 1
