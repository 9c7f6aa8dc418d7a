"""Operator sessions of terminals and tokens."""

import os

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.operators import Terminal
from proxy_core.services.principal import PrincipalKind, peer
from tests.services.conftest import ADA, events_of

HERE = Terminal(os.geteuid(), 4711, 100)
PROOF = wire.KeyProof(slot="keyfile")


async def test_a_proof_unlocks_this_terminal_alone(app: Application) -> None:
    """Another session, and a reused session id, hold nothing."""
    await app.operators.unlock(PROOF, HERE, peer("ada"), own_user=True)
    assert app.operators.is_unlocked(HERE)
    assert not app.operators.is_unlocked(Terminal(HERE.uid, 4712, 100))
    assert not app.operators.is_unlocked(Terminal(HERE.uid, 4711, 101))
    assert events_of(app, "operator.unlocked")[0].data["by"] == "peer ada"


async def test_a_proof_for_one_command_leaves_the_terminal_locked(app: Application) -> None:
    """A script's proof is worth its token and nothing else."""
    proof = wire.KeyProof(slot=PROOF.slot, secret=PROOF.secret, for_command=True)
    opened = await app.operators.unlock(proof, HERE, peer("ada"), own_user=True)
    assert app.operators.of_token(opened.token) is not None
    assert not app.operators.is_unlocked(HERE)


async def test_a_wrong_proof_unlocks_nothing(app: Application) -> None:
    """The terminal stays a peer's."""
    with pytest.raises(VaultError) as caught:
        await app.operators.unlock(wire.KeyProof(slot="keyfile", secret="AAAA"), HERE, peer())
    assert caught.value.code == "wrong_key"
    assert not app.operators.is_unlocked(HERE)


async def test_a_terminal_of_another_user_must_bring_the_key(app: Application) -> None:
    """The worker fetches its key file for its own user only."""
    with pytest.raises(VaultError) as caught:
        await app.operators.unlock(PROOF, Terminal(HERE.uid + 1, 1, 1), peer())
    assert caught.value.code == "wrong_key"


async def test_sessions_slide_and_end(app: Application, clock: FakeClock) -> None:
    """Fifteen minutes from the last use, whatever the wall clock does."""
    opened = await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    for token in (None, opened.token, None):
        clock.advance(14 * 60)
        app.operators.prolong(HERE, token)
        assert app.operators.is_unlocked(HERE)
    clock.step(-86_400 * 365)
    clock.advance(15 * 60)
    assert not app.operators.is_unlocked(HERE)


async def test_asking_is_no_use(app: Application, clock: FakeClock) -> None:
    """A session that is only looked at ends, and nothing brings it back."""
    opened = await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    for _ in range(3):
        clock.advance(5 * 60 - 1)
        assert app.operators.is_unlocked(HERE)
        assert app.operators.of_token(opened.token) is not None
    clock.advance(3)
    app.operators.prolong(HERE)
    app.operators.prolong(None, opened.token)
    assert not app.operators.is_unlocked(HERE)
    assert app.operators.of_token(opened.token) is None


async def test_only_a_use_counts_as_activity(app: Application, clock: FakeClock) -> None:
    """A console that is left open does not keep the vault from sealing itself."""
    await app.settings.change({"auto_seal_minutes": 5}, ADA)
    await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    clock.advance(4 * 60)
    app.operators.prolong(HERE)
    clock.advance(4 * 60)
    assert app.operators.is_unlocked(HERE)
    await app.housekeeping.tick()
    assert not app.keys.sealed
    clock.advance(61)
    assert app.operators.is_unlocked(HERE)
    await app.housekeeping.tick()
    assert app.keys.sealed


async def test_locking_ends_all_that_the_terminal_opened(app: Application) -> None:
    """Who unlocked twice holds nothing after one lock; another terminal's session stays."""
    elsewhere = Terminal(HERE.uid, 4712, 100)
    await app.operators.unlock(PROOF, elsewhere, peer(), own_user=True)
    tokens = [
        (await app.operators.unlock(PROOF, HERE, peer(), own_user=True)).token for _ in range(2)
    ]
    await app.operators.lock(HERE)
    assert [app.operators.of_token(token) for token in tokens] == [None, None]
    assert app.operators.is_unlocked(elsewhere)


async def test_the_length_is_a_setting(app: Application, clock: FakeClock) -> None:
    """A shorter time counts from the next use."""
    await app.settings.change({"unlock_minutes": 1}, ADA)
    await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    clock.advance(61)
    assert not app.operators.is_unlocked(HERE)


async def test_the_token_is_an_operators_until_it_is_locked(app: Application) -> None:
    """Scripts use the token; locking the terminal ends both."""
    opened = await app.operators.unlock(PROOF, HERE, peer("ada"), own_user=True)
    assert opened.token.startswith("vt_user_")
    found = app.identity.of_bearer(opened.token)
    assert (found.kind, found.name) == (PrincipalKind.OPERATOR, "ada")
    await app.operators.lock(HERE)
    assert not app.operators.is_unlocked(HERE)
    with pytest.raises(VaultError) as caught:
        app.identity.of_bearer(opened.token)
    assert caught.value.code == "unauthorized"


async def test_locking_by_token_ends_its_terminal(app: Application) -> None:
    """A script that locks with its token ends the session it came from."""
    opened = await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    await app.operators.lock(None, opened.token)
    assert not app.operators.is_unlocked(HERE)


async def test_sealing_ends_every_session(app: Application) -> None:
    """Who sealed the vault must prove a key again to change it."""
    opened = await app.operators.unlock(PROOF, HERE, peer(), own_user=True)
    await app.keys.seal(ADA)
    assert not app.operators.is_unlocked(HERE)
    assert app.operators.of_token(opened.token) is None
