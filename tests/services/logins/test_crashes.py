"""Workers that are killed in the middle of a refresh: the next one loses nothing that can be kept.

The refresh token that was in use is tried once more. Whether that helps depends on whether the
provider had carried out the first refresh.
"""

import asyncio
import signal
import sys

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.services.logins import LoginState
from tests.services.conftest import ADA
from tests.services.logins.conftest import LIFE, OpenWorker, Provider, login_of, open_login


async def crash(database: str, step: str, login_id: str) -> None:
    """Let another process refresh the login and be killed at `step`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.services.logins.crashing", database, step, login_id
    )
    assert await process.wait() == -signal.SIGKILL


async def test_killed_before_the_provider_was_asked(
    open_worker: OpenWorker, provider: Provider, database: str, clock: FakeClock
) -> None:
    """The intent stands, its worker is dead, the token is as good as ever: nobody notices."""
    app, login = await open_login(open_worker, provider)
    await crash(database, "intent", login.id)
    clock.advance(LIFE + 1)
    assert provider.accepts((await app.logins.access(login.id)).value)
    assert (provider.refreshes, provider.reuse) == (2, 0)
    assert login_of(app).state is LoginState.CONNECTED


async def test_killed_with_the_answer_in_its_hands(
    open_worker: OpenWorker, provider: Provider, database: str, clock: FakeClock
) -> None:
    """The new tokens are lost with the process: one try with the old one, then a person is asked.

    The access token serves to its end.
    """
    app, login = await open_login(open_worker, provider)
    await crash(database, "answer", login.id)
    clock.advance(LIFE - 60)
    app.logins.run_due()
    await app.logins.settle()
    assert login_of(app).state is LoginState.RECONNECT
    assert any("connected anew" in problem for problem in app.problems())
    asked = provider.requests
    for _ in range(3):
        clock.advance(LIFE)
        app.logins.run_due()
        await app.logins.settle()
    assert provider.requests == asked == 3


async def test_killed_after_the_tokens_were_stored(
    open_worker: OpenWorker, provider: Provider, database: str
) -> None:
    """They are there for the next worker, which had not heard of them."""
    app, login = await open_login(open_worker, provider)
    await crash(database, "stored", login.id)
    assert (await app.logins.refused(login.id, login.generation)) is True
    assert login_of(app).generation == login.generation + 1
    assert provider.accepts((await app.logins.access(login.id)).value)
    assert (provider.refreshes, provider.reuse) == (2, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_killed_again_and_again(
    open_worker: OpenWorker, provider: Provider, database: str, clock: FakeClock
) -> None:
    """A worker that dies at every refresh doesn't try the same token for ever."""
    app, login = await open_login(open_worker, provider)
    for _ in range(2):
        await crash(database, "intent", login.id)
    clock.advance(LIFE - 60)
    app.logins.run_due()
    await app.logins.settle()
    found = login_of(app)
    assert (found.state, provider.requests) == (LoginState.RECONNECT, 1)
    assert "ended twice" in found.last_error
    # The token was never used: an operator who knows may have it tried.
    assert (await app.logins.force(login.id, ADA)).state is LoginState.CONNECTED
