"""Providers that are away, refuse, or lose their answers; databases that are away."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.services.application import Application
from proxy_core.services.events import Follow
from proxy_core.services.logins import LoginState
from tests.services.conftest import ADA
from tests.services.logins.conftest import (
    LIFE,
    OpenWorker,
    Provider,
    due,
    login_of,
    open_login,
    paste,
    refresh_events,
)

SqliteWorker = Callable[[], Awaitable[Application]]


async def refused(app: Application, login_id: str, code: str) -> VaultError:
    """A request that gets no token."""
    with pytest.raises(VaultError) as raised:
        await app.logins.access(login_id)
    assert raised.value.code == code
    return raised.value


async def test_the_old_token_serves_while_the_provider_is_away(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A 503 is told as a warning, the next attempt comes after a pause, requests go on."""
    app, login = await open_login(open_worker, provider)
    provider.fail = [503]
    await due(app, clock, LIFE - 200)
    await app.logins.settle()
    assert (await app.logins.access(login.id)).generation == login.generation
    failed = refresh_events(app)[-1]
    assert (failed.type, failed.data["serving"]) == ("refresh.failed", True)
    assert failed.data["error"].startswith("temporarily_unavailable")
    assert login_of(app).failures == 1
    clock.advance(1.9)
    app.logins.run_due()
    await app.logins.settle()
    assert provider.refreshes == 1
    clock.advance(0.4)
    app.logins.run_due()
    await app.logins.settle()
    after = login_of(app)
    assert (after.generation, after.failures, after.last_error) == (2, 0, "")
    assert provider.requests == 3


async def test_the_provider_says_when_to_come_back(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """`Retry-After` is kept to, by every worker, though requests find the token due."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    provider.fail, provider.retry_after = [429], "90"
    await due(app, clock, LIFE - 200)
    await app.logins.settle()
    clock.advance(89)
    for worker in (app, other):
        await worker.logins.access(login.id)
        worker.logins.run_due()
        await worker.logins.settle()
    assert provider.requests == 2
    clock.advance(11)
    app.logins.run_due()
    await app.logins.settle()
    assert provider.refreshes == 2


async def test_an_expired_token_that_cannot_be_refreshed_is_a_502(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """The agent learns why, when to come back, and which command mends it."""
    app, login = await open_login(open_worker, provider)
    provider.fail, provider.retry_after = [503], "120"
    clock.advance(LIFE + 1)
    error = await refused(app, login.id, "oauth_refresh_failed")
    assert error.status == 502
    assert error.extra["remedy"] == "vault-tui credential oauth refresh TOKEN --vault default"
    assert error.extra["remedy"] in error.detail
    assert 115 < (error.retry_after or 0) <= 132
    await refused(app, login.id, "oauth_refresh_failed")
    assert provider.requests == 2
    assert refresh_events(app)[-1].data["serving"] is False
    assert (await app.credentials.list("default", "TOKEN")).credentials[0].state == "expired"  # type: ignore[index]


async def test_an_operators_refresh_that_fails_says_whether_the_token_still_serves(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """It has not expired, and is not said to have."""
    app, login = await open_login(open_worker, provider)
    provider.fail = [503]
    with pytest.raises(VaultError) as raised:
        await app.logins.force(login.id, ADA)
    assert raised.value.code == "oauth_refresh_failed"
    assert "its token still serves" in raised.value.detail
    assert "expired" not in str(raised.value) + raised.value.kind.title
    assert (await app.logins.access(login.id)).value


async def test_a_failing_refresh_is_a_problem_while_the_token_serves(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """The status says so from the first failure to the next success."""
    app, login = await open_login(open_worker, provider)
    assert app.problems() == []
    provider.fail = [503]
    await due(app, clock)
    await app.logins.settle()
    assert (await app.logins.access(login.id)).value
    (problem,) = app.problems()
    assert "its token still serves" in problem
    assert "HTTP 503" in problem
    provider.fail = []
    await app.logins.force(login.id, ADA)
    assert app.problems() == []


async def test_a_refusal_for_good_is_loud_and_asked_once(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """`invalid_grant`: the token serves to its end, the status says so, nobody asks again."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    provider._families.clear()
    await due(app, clock)
    await app.logins.settle()
    assert login_of(app).state is LoginState.RECONNECT
    event = refresh_events(app)[-1]
    assert event.type == "refresh.reconnect"
    assert event.data["remedy"] == "vault-tui credential oauth connect TOKEN --vault default"
    assert any(event.data["remedy"] in problem for problem in app.problems())
    await app.logins.access(login.id)
    clock.advance(61)
    for worker in (app, other):
        for _ in range(3):
            error = await refused(worker, login.id, "oauth_refresh_failed")
            assert "invalid_grant" in error.detail
            worker.logins.run_due()
    assert provider.requests == 2
    assert (await app.credentials.list("default")).credentials[0].state == "reconnect"  # type: ignore[index]


async def test_an_answer_that_is_lost_ends_in_a_reconnect(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """The provider has rotated and its answer got lost: one repetition, then a person is asked."""
    app, login = await open_login(open_worker, provider)
    provider.drop = 1
    await due(app, clock)
    await app.logins.settle()
    assert login_of(app).state is LoginState.RECONNECT
    asked = provider.requests
    clock.advance(LIFE)
    for _ in range(5):
        await refused(app, login.id, "oauth_refresh_failed")
        app.logins.run_due()
        await app.logins.settle()
    assert provider.requests == asked == 3


async def test_an_error_that_quotes_the_token_is_kept_without_it(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Neither the stored error nor the event or the answer holds the refresh token."""
    app, login = await open_login(open_worker, provider)
    provider._families.clear()
    provider.leak = True
    await due(app, clock, LIFE + 1)
    await app.logins.settle()
    error = await refused(app, login.id, "oauth_refresh_failed")
    told = error.detail + repr(refresh_events(app)) + login_of(app).last_error
    assert "RT_" not in told
    assert "redacted" in told


async def test_connecting_anew_mends_it_in_every_worker(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Another worker finds the new tokens when a request would have to be refused."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    provider._families.clear()
    clock.advance(LIFE + 1)
    await refused(other, login.id, "oauth_refresh_failed")
    again = await paste(app, provider)
    assert (again.id, again.state) == (login.id, LoginState.CONNECTED)
    clock.advance(3)
    mine, theirs = [await worker.logins.access(login.id) for worker in (app, other)]
    assert provider.accepts(mine.value)
    assert theirs.value == mine.value
    assert app.problems() == []


async def test_an_operator_may_try_a_refused_token_once_more(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Some providers refuse in error; only the operator's word makes the worker ask again."""
    app, login = await open_login(open_worker, provider)
    families, provider._families = provider._families, {}
    with pytest.raises(VaultError) as raised:
        await app.logins.force(login.id, ADA)
    assert raised.value.code == "oauth_refresh_failed"
    provider._families = families
    assert (await app.logins.force(login.id, ADA)).state is LoginState.CONNECTED


async def test_a_token_without_a_refresh_token_ends_loudly(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """It serves to its end; then a person is asked, and no provider was."""
    app = await open_worker()
    login = await paste(app, provider, refresh_token="")
    await due(app, clock)
    await app.logins.access(login.id)
    assert refresh_events(app) == []
    with pytest.raises(VaultError, match=r"has no refresh token, .* it ends at 2025-.*`") as raised:
        await app.logins.force(login.id, ADA)
    connect = "vault-tui credential oauth connect TOKEN --vault default"
    assert (raised.value.code, raised.value.extra["remedy"]) == ("oauth_refresh_failed", connect)
    assert raised.value.retry_after is None
    clock.advance(61)
    app.logins.run_due()
    await app.logins.settle()
    assert login_of(app).state is LoginState.RECONNECT
    await refused(app, login.id, "oauth_refresh_failed")
    assert provider.requests == 0


async def test_what_was_rotated_waits_for_the_database(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """New tokens that can't be stored are told of, not used, and stored as soon as they can be."""
    app, login = await open_login(open_worker, provider)
    provider.keep_back()
    await due(app, clock)
    await provider.held.wait()
    rename(app, "oauth_login", "away")
    told = asyncio.create_task(first_event(app, EventType.WORKER_PROBLEM))
    provider.let_go()
    assert "can't be stored yet" in (await told).data["problem"]
    assert (await app.logins.access(login.id)).generation == login.generation
    rename(app, "away", "oauth_login")
    await app.logins.settle()
    stored = await app.logins.access(login.id)
    assert (stored.generation, provider.accepts(stored.value)) == (login.generation + 1, True)
    assert (provider.refreshes, provider.reuse) == (2, 0)


def rename(app: Application, table: str, name: str) -> None:
    """Give a table another name: whoever asks for it meets a database that is out of order."""
    with app._context.database.engines.log.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


async def first_event(app: Application, type: EventType) -> Event:
    """The next event of a type."""
    async for batch in app.bus.follow(Follow(app.bus.last_seq, frozenset({type.value}))):
        return batch.events[0]
    raise AssertionError("the bus was closed")


async def test_sealing_stops_refreshing_and_loses_nothing(
    sqlite_worker: SqliteWorker, provider: Provider, clock: FakeClock
) -> None:
    """Tokens that arrive in a sealed vault are stored; nothing else is asked until it is opened."""
    app = await sqlite_worker()
    login = await paste(app, provider)
    await paste(app, provider, "OTHER")
    provider.keep_back()
    started = asyncio.create_task(app.logins.refused(login.id, 1))
    await provider.held.wait()
    await app.keys.seal(ADA)
    provider.let_go()
    await started
    clock.advance(LIFE + 1)
    app.logins.run_due()
    await app.logins.settle()
    assert provider.refreshes == 3
    await refused(app, login.id, "sealed")
    with pytest.raises(VaultError):
        await app.logins.force(login.id, ADA)
    await app.keys.unseal_automatically()
    await app._context.settle()
    app.logins.run_due()
    await app.logins.settle()
    assert [login_of(app, key).generation for key in ("TOKEN", "OTHER")] == [3, 2]
    assert (provider.refreshes, provider.reuse) == (5, 0)
    await app.close()


async def test_nothing_is_refreshed_while_paused(
    sqlite_worker: SqliteWorker, provider: Provider, clock: FakeClock
) -> None:
    """What seals all tokens anew has them to itself; afterwards what was due is refreshed."""
    app = await sqlite_worker()
    login = await paste(app, provider)
    async with app.logins.paused():
        await due(app, clock)
        old = await app.logins.access(login.id)
        assert provider.refreshes == 1
    await app.logins.settle()
    assert (await app.logins.access(login.id)).generation == old.generation + 1
    await app.close()


async def test_deleting_a_credential_ends_its_refreshes(
    sqlite_worker: SqliteWorker, provider: Provider, clock: FakeClock
) -> None:
    """Also while one is under way; and a deleted vault takes its logins along."""
    app = await sqlite_worker()
    await paste(app, provider)
    provider.keep_back()
    await due(app, clock)
    await provider.held.wait()
    await app.credentials.delete(wire.DeleteCredentials(keys=["TOKEN"]), ADA)
    provider.let_go()
    await app.logins.settle()
    assert app.logins.all() == []
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    await paste(app, provider, vault="team")
    await app.vaults.delete("team", ADA)
    asked = provider.requests
    await due(app, clock)
    await app.logins.settle()
    assert (app.logins.all(), provider.requests) == ([], asked)
    await app.close()


async def test_stopping_waits_for_a_refresh_under_way(
    sqlite_worker: SqliteWorker, provider: Provider, clock: FakeClock
) -> None:
    """A worker that is told to stop stores what it was given first."""
    app = await sqlite_worker()
    login = await paste(app, provider)
    provider.keep_back()
    await due(app, clock)
    await provider.held.wait()
    stopping = asyncio.create_task(app.close())
    await asyncio.sleep(0)
    provider.let_go()
    await stopping
    again = await sqlite_worker()
    assert login_of(again).generation == login.generation + 1
    await again.logins.force(login.id, ADA)
    assert provider.reuse == 0
    await again.close()
