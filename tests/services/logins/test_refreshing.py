"""Refreshing: ahead of time, exactly once, never in the way of a request."""

import asyncio
from typing import Any

import pytest
from sqlmodel import Session

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.services.logins import LoginState, refresher
from proxy_core.store import installation
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


async def test_a_token_is_refreshed_before_it_ends(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Within five minutes of its end and without any request, the next token takes its place."""
    app, login = await open_login(open_worker, provider)
    first = await app.logins.access(login.id)
    clock.advance(LIFE - 331)  # a tenth of the lead is jitter
    app.logins.run_due()
    assert refresh_events(app) == []
    clock.advance(31)
    app.logins.run_due()
    await app.logins.settle()
    second = await app.logins.access(login.id)
    assert second.generation == first.generation + 1
    assert second.value != first.value
    assert provider.accepts(second.value)
    assert [event.type for event in refresh_events(app)] == [
        "refresh.started",
        "refresh.succeeded",
    ]
    assert (provider.refreshes, provider.reuse) == (2, 0)


async def test_a_due_token_serves_while_it_is_being_refreshed(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A request that finds a due token uses it, starts a refresh and doesn't wait for it."""
    app, login = await open_login(open_worker, provider)
    provider.keep_back()
    clock.advance(LIFE - 60)
    old = await app.logins.access(login.id)
    await provider.held.wait()
    assert (await app.logins.access(login.id)).value == old.value
    provider.let_go()
    await app.logins.settle()
    assert (await app.logins.access(login.id)).generation == old.generation + 1
    assert provider.refreshes == 2


async def test_an_expired_token_is_waited_for(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """All requests that find the token expired get the one that a single refresh brings."""
    app, login = await open_login(open_worker, provider)
    provider.keep_back()
    clock.advance(LIFE + 1)
    waiting = [asyncio.create_task(app.logins.access(login.id)) for _ in range(50)]
    await provider.held.wait()
    assert not any(task.done() for task in waiting)
    provider.let_go()
    values = {access.value for access in await asyncio.gather(*waiting)}
    assert len(values) == 1
    assert provider.accepts(values.pop())
    assert (provider.refreshes, provider.reuse) == (2, 0)


async def test_workers_that_share_a_database_refresh_once(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Fifty requests in each of two workers, all with an expired token: one refresh, no failure."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    for _ in range(3):
        clock.advance(LIFE + 1)
        tasks = [worker.logins.access(login.id) for worker in (app, other) for _ in range(50)]
        values = {access.value for access in await asyncio.gather(*tasks)}
        assert len(values) == 1
        assert provider.accepts(values.pop())
    assert (provider.refreshes, provider.reuse) == (4, 0)
    assert login_of(app).refresh_count == login_of(other).refresh_count == 3


async def test_a_request_that_is_given_up_loses_no_token(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """The agent whose request began the refresh leaves at once: what was rotated is kept."""
    app, login = await open_login(open_worker, provider)
    provider.keep_back()
    clock.advance(LIFE + 1)
    request = asyncio.create_task(app.logins.access(login.id))
    await provider.held.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    provider.let_go()
    await app.logins.settle()
    assert provider.accepts((await app.logins.access(login.id)).value)
    assert (provider.refreshes, provider.reuse) == (2, 0)


async def test_another_workers_tokens_are_adopted(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A worker that comes later finds the newer tokens in the row, and asks nobody."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    await app.logins.force(login.id, ADA)
    assert login_of(other).generation == login.generation
    clock.advance(LIFE - 60)
    other.logins.run_due()
    await other.logins.settle()
    assert login_of(other).generation == login.generation + 1
    assert provider.refreshes == 2
    assert refresh_events(other) == []


async def test_an_operator_forces_a_refresh(open_worker: OpenWorker, provider: Provider) -> None:
    """Though nothing is due, the provider is asked; the event says who wanted it, and it counts."""
    app, login = await open_login(open_worker, provider)
    assert app.logins.refreshes == {"succeeded": 0, "failed": 0, "reconnect": 0}
    status = await app.logins.force(login.id, ADA)
    assert app.logins.refreshes == {"succeeded": 1, "failed": 0, "reconnect": 0}
    assert (status.refresh_count, status.state) == (1, LoginState.CONNECTED)
    assert {event.data["by"] for event in refresh_events(app)} == {ADA.label}
    assert provider.refreshes == 2


async def test_no_event_holds_a_token(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Events name vault and credential, and nothing that opens a door."""
    app, login = await open_login(open_worker, provider)
    provider.fail = [503]
    await due(app, clock)
    await app.logins.settle()
    clock.advance(60)
    app.logins.run_due()
    await app.logins.settle()
    told = repr(refresh_events(app))
    assert "AT_" not in told
    assert "RT_" not in told
    started = refresh_events(app)[0].data
    assert (started["vault"], started["name"], started["login"]) == ("default", "TOKEN", login.id)


async def test_the_scheduler_serves_many_logins(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """Every login that falls due is refreshed, each once."""
    app = await open_worker()
    for number in range(20):
        await paste(app, provider, f"TOKEN_{number}")
    await due(app, clock)
    await app.logins.settle()
    assert {login.generation for login in app.logins.all()} == {2}
    assert (provider.refreshes, provider.reuse) == (40, 0)


async def test_a_token_without_a_life_is_not_asked_for_again_and_again(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A provider whose tokens live for a second hears from the worker once a second at most."""
    provider.expires_in = 1
    app = await open_worker()
    login = await paste(app, provider)
    clock.advance(0.9)
    app.logins.run_due()
    await app.logins.settle()
    assert provider.refreshes == 1
    clock.advance(0.1)
    app.logins.run_due()
    await app.logins.settle()
    assert provider.refreshes == 2
    assert login_of(app).generation == login.generation + 1


async def test_a_clock_that_is_put_back_stops_nothing(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """After a failure, a clock a year behind doesn't make the worker wait for a year."""
    app, login = await open_login(open_worker, provider)
    provider.fail = [503]
    await due(app, clock)
    await app.logins.settle()
    assert login_of(app).backing_off(clock.time()) > 0
    clock.step(-365 * 86_400)
    assert login_of(app).backing_off(clock.time()) == 0
    assert await app.logins.refused(login.id, login.generation)
    assert provider.refreshes == 2


async def test_a_clock_that_jumps_ahead_refreshes(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A year later everything has expired; the next request gets a new token."""
    app, login = await open_login(open_worker, provider)
    clock.step(365 * 86_400)
    assert provider.accepts((await app.logins.access(login.id)).value)


async def test_what_is_stored_is_what_is_used(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A worker that starts later reads the very tokens that the first one was given."""
    app, login = await open_login(open_worker, provider)
    await due(app, clock)
    await app.logins.settle()
    mine = await app.logins.access(login.id)
    other = await open_worker()
    theirs = await other.logins.access(login.id)
    assert (theirs.value, theirs.generation) == (mine.value, mine.generation)
    await other.logins.force(login.id, ADA)
    assert provider.reuse == 0


async def test_an_unknown_login_is_said_so(open_worker: OpenWorker) -> None:
    """A login that was deleted gives no token and has no status."""
    app = await open_worker()
    with pytest.raises(VaultError) as raised:
        await app.logins.access("gone")
    assert raised.value.code == "oauth_not_connected"
    with pytest.raises(VaultError) as raised:
        app.logins.status("gone")
    assert raised.value.code == "not_found"
    assert not await app.logins.refused("gone", 1)


async def test_no_token_is_asked_for_that_could_not_be_stored(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker's new key came between looking at the login and asking: it is put off."""
    app, login = await open_login(open_worker, provider)
    in_earnest, sealer = refresher.opened_refresh, app._context.sealer

    def overtaken(*arguments: Any) -> bytes:
        opened = in_earnest(*arguments)
        app._context.database.run_sync(_rotated)
        sealer.replace(sealer.copy_dek(), key_version=2)
        return opened

    asked = provider.refreshes
    with monkeypatch.context() as patched:
        patched.setattr(refresher, "opened_refresh", overtaken)
        await due(app, clock)
        await app.logins.settle()
    assert provider.refreshes == asked
    assert login_of(app).generation == login.generation


def _rotated(session: Session) -> None:
    for row in installation.list_slots(session):
        row.key_version = 2
