"""The demo's requests that wait for the viewer."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain import wire
from vault_tui.demo.cast import PLAYERS
from vault_tui.demo.script import asking
from vault_tui.demo.stage import Stage, set_stage
from vault_tui.demo.worker import operator_client

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found | None]]) -> Found:
    """What `look` answers once it is true: what runs elsewhere tells nobody when it has."""
    async with asyncio.timeout(60):
        while not (found := await look()):  # noqa: ASYNC110 - nobody sends an event for it
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def asking_stage(pause: float) -> AsyncIterator[tuple[Stage, SyncClient]]:
    """The stage while its agents ask, and an operator."""
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        home = Home(Path(name) / "home")
        async with set_stage(home) as stage:
            client = await asyncio.to_thread(operator_client, home)
            keeping = asyncio.create_task(stage.keep_asking(7, 0, pause))
            try:
                yield stage, client
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)


async def waiting(client: SyncClient, count: int) -> list[wire.Hold]:
    """The held requests, once there are so many."""

    def enough() -> list[wire.Hold] | None:
        found = client.send(calls.holds()).holds
        return found if len(found) >= count else None

    return await eventually(lambda: asyncio.to_thread(enough))


async def test_each_agent_asks_until_it_is_answered_and_then_again() -> None:
    """Each kind of request waits once; what is allowed reaches the upstream with its credential."""
    steps = asking(7)
    async with asking_stage(pause=0.2) as (stage, client):
        holds = await waiting(client, len(steps))
        assert {(hold.agent, hold.method) for hold in holds} == {
            (step.player.name, step.offer.method) for step in steps
        }
        assert all(hold.service and hold.credential_keys for hold in holds)
        payout = next(hold for hold in holds if hold.service == "stripe")
        assert "1250000" in payout.body_preview
        before = stage.seen.verified
        await asyncio.to_thread(client.send, calls.approve_hold(payout.id, "once"))
        await eventually(lambda: asyncio.sleep(0, stage.seen.verified > before))
        again = await waiting(client, len(steps))
        assert payout.id not in {hold.id for hold in again}
        assert stage.seen.wrong == stage.seen.leaks == 0


def test_what_waits_is_no_part_of_the_plan() -> None:
    """Else a play of some seconds would end only when the last request was given up."""
    planned = {offer for player in PLAYERS for offer in player.offers}
    assert not planned & {step.offer for step in asking(7)}
