"""How anything changes: commit, then swap, then announce."""

import asyncio
import threading

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.services.application import Application
from tests.services.conftest import ADA, put_credentials


async def test_a_committed_change_is_announced_even_if_its_caller_has_gone(
    app: Application,
) -> None:
    """A client that hangs up between commit and answer leaves snapshot and database in step."""
    context = app._context
    entered, go_on = threading.Event(), threading.Event()
    swapped: list[str] = []

    def work(_: Session) -> str:
        entered.set()
        go_on.wait(30)
        return "done"

    caller = asyncio.ensure_future(context.change(work, swapped.append))
    await asyncio.to_thread(entered.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await context.settle()
    assert swapped == ["done"]


async def test_a_change_that_fails_swaps_and_announces_nothing(app: Application) -> None:
    """What was not committed is never seen."""
    seq = app.bus.last_seq

    def work(_: Session) -> None:
        raise VaultError("database_unavailable")

    with pytest.raises(VaultError):
        await app._context.change(work, lambda _: pytest.fail("not committed"))
    assert app.bus.last_seq == seq


async def test_changes_of_many_callers_are_all_kept(app: Application) -> None:
    """Concurrent changes follow one another; none overwrites another's snapshot."""
    await asyncio.gather(*(put_credentials(app, **{f"KEY_{n}": str(n)}) for n in range(20)))
    assert len((await app.credentials.names("default", ADA)).keys) == 20
    stored = (await app.credentials.list("default")).keys
    assert stored == (await app.credentials.names("default", ADA)).keys
