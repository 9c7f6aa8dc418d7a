"""Setting up, unsealing, sealing, proving."""

import sqlite3
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.attempts import LIMIT
from proxy_core.services.principal import operator, peer
from tests.keyrings import MemoryKeyring
from tests.services.conftest import (
    ADA,
    Opener,
    events_of,
    put_credentials,
    put_service,
    seen_events,
)

PASSWORD = wire.InitRequest(slot="password", secret="correct horse")
PROOF = wire.KeyProof(slot="password", secret="correct horse")


def key_in(path: Path) -> str:
    """The key file's content: what a client sends as a proof."""
    return path.read_text().strip()


async def refused(code: str, call: object) -> VaultError:
    """The refusal, which must have this code."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.code == code
    return caught.value


@pytest.fixture
def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """A session with a working keyring."""
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend


async def test_a_password_sets_up_and_opens_after_a_restart(reopen: Opener) -> None:
    """Set up, restart sealed, refuse a wrong password, open with the right one."""
    app = await reopen()
    assert not app.keys.initialized
    await refused("not_initialized", app.keys.unseal(PROOF, peer()))
    await app.keys.initialise(PASSWORD, peer("ada"))
    assert (app.keys.initialized, app.keys.sealed) == (True, False)
    assert app.keys.slot_kinds == ["password"]
    certificate = app.keys.ca_pem

    app = await reopen()
    assert (app.keys.initialized, app.keys.sealed) == (True, True)
    assert app.keys.ca_pem == certificate
    wrong = wire.KeyProof(slot="password", secret="incorrect horse")
    await refused("wrong_key", app.keys.unseal(wrong, peer()))
    assert app.keys.sealed
    await app.keys.unseal(PROOF, peer())
    assert not app.keys.sealed
    assert app.leaves.context_for("example.com") is not None


async def test_setting_up_twice_is_a_conflict(app: Application, tmp_path: Path) -> None:
    """The second attempt changes nothing and leaves no key file behind."""
    other = tmp_path / "other.key"
    await refused(
        "conflict", app.keys.initialise(wire.InitRequest(slot="keyfile", path=str(other)), ADA)
    )
    assert not other.exists()
    assert len(app.key_slots.shown().slots) == 1


async def test_a_new_vault_has_the_vault_default(app: Application) -> None:
    """Agents and commands that name no vault mean `default`."""
    assert [vault.name for vault in (await app.vaults.list(ADA)).vaults] == ["default"]


async def test_a_key_file_opens_the_vault_unattended(reopen: Opener, app: Application) -> None:
    """A server with a key file needs nobody after a restart."""
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyfile"
    assert not app.keys.sealed


async def test_the_given_password_is_tried_last(reopen: Opener) -> None:
    """Without keyring and key file the password that the worker was given opens."""
    app = await reopen()
    await app.keys.initialise(PASSWORD, peer())
    app = await reopen()
    assert await app.keys.unseal_automatically(b"wrong") is None
    assert await app.keys.unseal_automatically() is None
    assert app.keys.sealed
    assert await app.keys.unseal_automatically(b"correct horse") == "password"


async def test_a_keyring_slot_opens_by_itself(
    reopen: Opener, memory_keyring: MemoryKeyring
) -> None:
    """The key is in the OS keyring, and nowhere in the answer."""
    app = await reopen()
    await app.keys.initialise(wire.InitRequest(slot="keyring"), peer())
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyring"


async def test_without_a_keyring_nothing_is_set_up(
    reopen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH: one clear refusal, and a password slot can still be chosen."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", fail.Keyring())  # type: ignore[no-untyped-call]
    app = await reopen()
    await refused("keyring_unavailable", app.keys.initialise(wire.InitRequest(slot="keyring"), ADA))
    assert not app.keys.initialized
    await app.keys.initialise(PASSWORD, ADA)
    assert app.keys.initialized


async def test_an_empty_proof_is_for_the_workers_own_user(app: Application, key_file: Path) -> None:
    """Another user of the socket must hold the key; the worker does not fetch it for them."""
    empty = wire.KeyProof(slot="keyfile")
    await refused("wrong_key", app.keys.prove(empty, peer()))
    await app.keys.prove(empty, peer(), own_user=True)
    await app.keys.prove(wire.KeyProof(slot="keyfile", secret=key_in(key_file)), peer())


async def test_an_empty_password_is_no_proof_for_anyone(reopen: Opener) -> None:
    """A password slot opens with its password only, also for the worker's own user."""
    app = await reopen()
    await app.keys.initialise(PASSWORD, peer())
    empty = wire.KeyProof(slot="password")
    await refused("wrong_key", app.keys.prove(empty, peer(), own_user=True))


async def test_sealing_forgets_the_key_and_says_so(app: Application) -> None:
    """Nothing can be decrypted or signed until the next unseal; the certificate stays readable."""
    await put_credentials(app, API_KEY="s3cret")
    await app.keys.seal(ADA)
    assert app.keys.sealed
    assert "BEGIN CERTIFICATE" in app.keys.ca_pem
    await refused("sealed", put_credentials(app, OTHER="x"))
    await refused("sealed", app.credentials.reveal("default", ADA))
    await refused("sealed", app.keys.prove(wire.KeyProof(slot="keyfile"), peer()))
    with pytest.raises(VaultError, match="sealed"):
        app.leaves.context_for("example.com")
    await app.keys.unseal(wire.KeyProof(slot="keyfile"), ADA, own_user=True)
    found = await app.credentials.reveal("default", ADA)
    assert [item.value for item in found.credentials or ()] == ["s3cret"]
    types = [event.type for event in seen_events(app)]
    assert types.index("worker.sealed") < len(types) - 1 - types[::-1].index("worker.unsealed")


async def test_nothing_holds_sealing_up(app: Application, clock: FakeClock) -> None:
    """Not what was to be done before, such as leaves of a root that has expired."""
    clock.advance(11 * 365 * 86_400)
    app.keys.before_seal(lambda _: app.leaves.warm(["api.example.com"]))
    await app.keys.seal(ADA)
    assert app.keys.sealed


async def test_unsealing_an_open_vault_still_wants_the_right_key(app: Application) -> None:
    """A wrong proof is refused, and the vault stays open."""
    wrong = wire.KeyProof(slot="keyfile", secret="AAAA")
    await refused("wrong_key", app.keys.unseal(wrong, peer()))
    assert not app.keys.sealed


async def test_guessing_is_slowed_down_and_announced(app: Application, clock: FakeClock) -> None:
    """After many wrong proofs even the right one waits; a minute later it opens."""
    wrong, right = wire.KeyProof(slot="keyfile", secret="AAAA"), wire.KeyProof(slot="keyfile")
    for _ in range(LIMIT):
        await refused("wrong_key", app.keys.prove(wrong, peer("eve")))
    failure = await refused("rate_limited", app.keys.prove(right, peer(), own_user=True))
    assert failure.retry_after is not None
    assert 0 < failure.retry_after <= 61
    assert events_of(app, "operator.refused")[0].data["by"] == "peer eve"
    clock.advance(61)
    await app.keys.prove(right, peer(), own_user=True)


async def test_a_second_slot_opens_the_same_vault(reopen: Opener, app: Application) -> None:
    """A password beside the key file; nothing is encrypted anew."""
    await put_credentials(app, API_KEY="s3cret")
    added = await app.key_slots.add(PASSWORD, ADA)
    assert (added.kind, app.keys.slot_kinds) == ("password", ["keyfile", "password"])
    app = await reopen()
    await app.keys.unseal(PROOF, peer())
    found = await app.credentials.reveal("default", ADA)
    assert (found.credentials or [])[0].value == "s3cret"


@pytest.mark.parametrize(
    "request_",
    [
        wire.InitRequest(slot="tpm"),
        wire.InitRequest(slot="password", secret=""),
        wire.InitRequest(slot="keyfile", path="relative.key"),
        wire.InitRequest(slot="keyfile", path="/tmp/x.key", secret="mine"),
    ],
)
async def test_a_slot_that_makes_no_sense_is_refused(
    reopen: Opener, request_: wire.InitRequest
) -> None:
    """Unknown kinds, an empty password, a relative path, a key brought along."""
    app = await reopen()
    await refused("bad_request", app.keys.initialise(request_, operator()))
    assert not app.keys.initialized


async def test_the_count_of_encryptions_survives_a_restart(
    reopen: Opener, app: Application
) -> None:
    """Nonces are counted per key, over the lives of workers."""
    await put_credentials(app, A_KEY="1", B_KEY="2")
    before = app._context.sealer.encryptions
    app = await reopen()
    await app.keys.unseal_automatically()
    assert app._context.sealer.encryptions == before == 3


async def test_a_damaged_ca_key_leaves_the_credentials_usable(
    reopen: Opener, app: Application, tmp_path: Path
) -> None:
    """A flipped bit in the CA's key is named as a problem; reveals still work."""
    await put_credentials(app, API_KEY="s3cret")
    await put_service(app, "example", "api.example.com", "API_KEY")
    await app.close()
    with sqlite3.connect(tmp_path / "vault.db") as database:
        (sealed,) = database.execute("SELECT sealed FROM certificate_authority").fetchone()
        flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
        database.execute("UPDATE certificate_authority SET sealed = ?", (flipped,))
    database.close()
    app = await reopen()
    await app.keys.unseal_automatically()
    assert app.problems() == [app.keys.problem]
    found = await app.credentials.reveal("default", ADA)
    assert (found.credentials or [])[0].value == "s3cret"


async def test_no_event_holds_a_secret(app: Application) -> None:
    """Neither the value nor the proof is in what consoles follow."""
    await put_credentials(app, API_KEY="s3cret-value")
    await app.credentials.reveal("default", ADA)
    assert "s3cret-value" not in repr(seen_events(app))


@pytest.mark.parametrize("label", ["x" * 101, "two\nlines", "\x1b[31mred"])
async def test_a_slots_label_is_short_and_plain(app: Application, label: str) -> None:
    """It is shown on terminals."""
    with pytest.raises(VaultError) as caught:
        await app.key_slots.add(
            wire.InitRequest(slot="password", secret="another one", label=label), ADA
        )
    assert caught.value.code == "bad_request"
    assert len(app.key_slots.shown().slots) == 1
