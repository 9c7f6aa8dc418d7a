"""Upstreams that answer 401: one forced refresh for all who got it, and no more than helps."""

import asyncio

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.services.logins import LoginState
from proxy_core.services.logins.renewal import PATIENCE
from tests.services.logins.conftest import (
    LIFE,
    OpenWorker,
    Provider,
    login_of,
    open_login,
    paste,
)


async def test_all_who_were_refused_share_one_refresh(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """Fifty refusals in each of two workers: one refresh, and everyone may repeat the request."""
    app, login = await open_login(open_worker, provider)
    other = await open_worker()
    refusals = [
        worker.logins.refused(login.id, login.generation)
        for worker in (app, other)
        for _ in range(50)
    ]
    assert all(await asyncio.gather(*refusals))
    assert (provider.refreshes, provider.reuse) == (2, 0)
    assert login_of(app).generation == login_of(other).generation == login.generation + 1
    assert await app.logins.refused(login.id, login.generation)  # who comes late
    assert provider.refreshes == 2


async def test_an_upstream_that_refuses_everything_wears_nothing_out(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock
) -> None:
    """A new token that is refused as well is not replaced again, until a while has passed."""
    app, login = await open_login(open_worker, provider)
    assert await app.logins.refused(login.id, login.generation)
    for _ in range(10):
        assert not await app.logins.refused(login.id, login.generation + 1)
    assert provider.refreshes == 2
    clock.advance(60)
    assert await app.logins.refused(login.id, login.generation + 1)
    assert provider.refreshes == 3


async def test_a_token_that_worked_is_worth_another(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """Once an upstream has taken the new token, a refusal means again that it was revoked."""
    app, login = await open_login(open_worker, provider)
    assert await app.logins.refused(login.id, login.generation)
    app.logins.accepted(login.id, login.generation)  # of the old one: says nothing
    assert not await app.logins.refused(login.id, login.generation + 1)
    app.logins.accepted(login.id, login.generation + 1)
    assert await app.logins.refused(login.id, login.generation + 1)
    assert provider.refreshes == 3


async def test_a_refusal_passes_while_the_provider_is_away(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """The refresh fails: the upstream's own answer is as good as any, and nobody hammers."""
    app, login = await open_login(open_worker, provider)
    provider.fail = [500]
    assert not await app.logins.refused(login.id, login.generation)
    assert not await app.logins.refused(login.id, login.generation)
    assert provider.requests == 2


async def test_a_refused_token_whose_grant_is_gone_names_the_remedy(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """A 401 would send the agent looking in the wrong place: the vault says what is wrong."""
    app, login = await open_login(open_worker, provider)
    provider._families.clear()
    for _ in range(3):
        with pytest.raises(VaultError) as raised:
            await app.logins.refused(login.id, login.generation)
        assert raised.value.code == "oauth_refresh_failed"
        assert raised.value.extra["remedy"].startswith("vault-tui credential oauth connect TOKEN")
    assert login_of(app).state is LoginState.RECONNECT
    assert provider.requests == 2


async def test_a_token_that_cannot_be_refreshed_is_refused_as_it_is(
    open_worker: OpenWorker, provider: Provider
) -> None:
    """Without a refresh token there is nothing to try, and it may well be good elsewhere."""
    app = await open_worker()
    login = await paste(app, provider, refresh_token="")
    assert not await app.logins.refused(login.id, login.generation)
    assert (provider.requests, login_of(app).state) == (0, LoginState.CONNECTED)


async def test_a_refusal_at_the_end_of_a_life_waits_for_the_next_attempt(
    open_worker: OpenWorker, provider: Provider, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upstream's clock is ahead: what would soon have been waited for is waited for now."""
    app, login = await open_login(open_worker, provider)
    clock.advance(LIFE - 1)
    provider.fail = [503]
    sleeps: list[float] = []
    sleep = asyncio.sleep

    async def pass_time(seconds: float) -> None:
        if seconds > PATIENCE:  # somebody else's
            await sleep(seconds)
        sleeps.append(seconds)
        clock.advance(seconds)

    monkeypatch.setattr("proxy_core.services.logins.renewal.asyncio.sleep", pass_time)
    assert await app.logins.refused(login.id, login.generation)
    assert max(sleeps) == pytest.approx(2, rel=0.2)
    assert login_of(app).generation == login.generation + 1
