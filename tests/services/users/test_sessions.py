"""Sessions of users: how long they live, and how they end."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.services.application import Application
from tests.services.conftest import ADA, Opener, events_of
from tests.services.users.conftest import CHEAP, make_user, principal, refusal, sign_in

HOUR = 3600.0


def is_signed_in(app: Application, token: str) -> bool:
    """Whether the token is anybody's."""
    try:
        principal(app, token)
    except VaultError:
        return False
    return True


async def test_a_session_survives_the_worker_and_ends_with_its_time(
    app: Application, reopen: Opener, clock: FakeClock
) -> None:
    """A restart, sealed, changes nothing; after `user_session_minutes` it is nobody's."""
    await make_user(app, "ada")
    token = await sign_in(app, "ada")
    again = await reopen()
    assert again.keys.sealed
    assert principal(again, token).name == "ada"
    clock.advance(12 * HOUR)
    assert not is_signed_in(again, token)
    await again.housekeeping.tick()
    assert again.users.sessions.list(ADA).sessions == []


async def test_a_session_slides_by_use_and_not_for_ever(
    app: Application, reopen: Opener, clock: FakeClock
) -> None:
    """Use prolongs it, reading does not, a restart keeps it, and 30 days are the end."""
    await make_user(app, "ada")
    used, read = await sign_in(app, "ada"), await sign_in(app, "ada")
    for _ in range(2):
        clock.advance(8 * HOUR)
        assert is_signed_in(app, used)
        app.users.sessions.prolong(used)
    assert not is_signed_in(app, read)
    await app.housekeeping.tick()
    again = await reopen()
    assert is_signed_in(again, used)
    for _ in range(100):
        again.users.sessions.prolong(used)
        clock.advance(8 * HOUR)
    assert not is_signed_in(again, used)


async def test_a_fixed_session_does_not_slide(app: Application, clock: FakeClock) -> None:
    """With `user_session_sliding` off a session ends when it was to end."""
    await app.settings.change({"user_session_sliding": False, "user_session_minutes": 60}, ADA)
    await make_user(app, "ada")
    token = await sign_in(app, "ada")
    clock.advance(HOUR - 1)
    app.users.sessions.prolong(token)
    assert is_signed_in(app, token)
    clock.advance(1)
    assert not is_signed_in(app, token)


async def test_sessions_are_listed(app: Application, clock: FakeClock) -> None:
    """One's own, where from and the present one marked; an operator sees everybody's."""
    await make_user(app, "ada", "owner")
    await make_user(app, "bob")
    ada, bob = await sign_in(app, "ada"), await sign_in(app, "bob", "198.51.100.4")
    clock.advance(120)
    (own,) = app.users.sessions.list(principal(app, bob)).sessions
    assert (own.email, own.last_ip, own.device_label) == ("bob", "198.51.100.4", "a test")
    assert (own.current, own.last_used_at > own.created_at) == (True, True)
    assert len(app.users.sessions.list(ADA).sessions) == 2
    (others,) = app.users.sessions.list(principal(app, ada), "Bob").sessions
    assert (others.id, others.current) == (own.id, False)


async def test_another_users_sessions_are_not_shown(app: Application) -> None:
    """A member asks for its own alone; whom nobody knows an owner is told."""
    await make_user(app, "bob")
    bob = principal(app, await sign_in(app, "bob"))
    with pytest.raises(VaultError) as caught:
        app.users.sessions.list(bob, "ada")
    assert caught.value.code == "role_forbidden"
    with pytest.raises(VaultError) as caught:
        app.users.sessions.list(ADA, "nobody")
    assert caught.value.code == "not_found"


async def test_sessions_are_ended(app: Application) -> None:
    """By logging out, by revoking one of one's own, and by an operator; never another's."""
    await make_user(app, "ada")
    await make_user(app, "bob")
    one, two, three = [await sign_in(app, "ada") for _ in range(3)]
    ids = {
        token: app.users.sessions.of(principal(app, token)).id  # type: ignore[union-attr]
        for token in (one, two, three)
    }
    await app.users.sessions.logout(principal(app, one))
    bob = principal(app, await sign_in(app, "bob"))
    error = await refusal(app.users.sessions.revoke(ids[two], bob))
    assert error.code == "not_found"
    await app.users.sessions.revoke(ids[two], principal(app, three))
    await app.users.sessions.revoke(ids[three], ADA)
    assert [is_signed_in(app, token) for token in (one, two, three)] == [False] * 3
    assert len(events_of(app, "user.signed_out")) == 3


async def test_what_could_not_be_stored_is_stored_later(
    app: Application, reopen: Opener, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away for a moment costs nobody the session."""
    await make_user(app, "ada")
    token = await sign_in(app, "ada")
    clock.advance(8 * HOUR)
    app.users.sessions.prolong(token)

    async def away(*_: object) -> None:
        raise VaultError("database_unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(app._context.database, "run", away)
        assert (await refusal(app.users.sessions.store_uses())).code == "database_unavailable"
    await app.users.sessions.store_uses()
    again = await reopen()
    again.users.passwords.cost = CHEAP
    clock.advance(8 * HOUR)
    assert is_signed_in(again, token)
