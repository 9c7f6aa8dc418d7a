"""Operators during the soak: one follows the events and answers, one edits, one revokes."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from benchmarks.soak.ledger import Ledger, identity_of
from benchmarks.soak.names import SWITCHED
from benchmarks.soak.stage import Stage, new_values, service
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.async_client import AsyncClient
from proxy_core.client.sse import Connected, Disconnected, Lost
from proxy_core.client.stream import events
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.traffic import RequestRecord

_EDIT_PAUSE, _REVOKE_PAUSE = 0.7, 2.5
_GONE = ("not_found", "conflict")
"""Answers for a request that did not wait any longer."""


@dataclass(slots=True)
class Follower:
    """What a console sees: `finished` requests by id; every held one is answered, or is not."""

    stage: Stage
    ledger: Ledger
    dice: random.Random
    finished: Counter[str] = field(default_factory=Counter)
    _answers: set["asyncio.Task[None]"] = field(default_factory=set)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Connected inside."""
        connected = asyncio.Event()
        task = asyncio.create_task(self._follow(connected))
        try:
            await connected.wait()
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _follow(self, connected: asyncio.Event) -> None:
        async with AsyncClient(self.stage.worker.operator.target) as client:
            async for note in events(client, coalesce=True):
                if isinstance(note, Connected):
                    connected.set()
                elif isinstance(note, Lost | Disconnected):
                    self.ledger.fault(f"event stream: {note}")
                else:
                    self._see(note)

    def _see(self, event: Event) -> None:
        if event.type == EventType.REQUEST_FINISHED:
            record = msgspec.convert(event.data, RequestRecord)
            if identity := identity_of(record.path):
                self.finished[identity] += 1
            if record.error_code == "internal":
                self.ledger.fault(f"internal error in {record.path}: {record.reason}")
        elif event.type == EventType.REQUEST_HELD:
            hold = msgspec.convert(event.data, wire.Hold)
            self.ledger.prove(hold.url.partition("?")[0].rpartition("/")[2])
            task = asyncio.create_task(self._answer(hold))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _answer(self, hold: wire.Hold) -> None:
        await asyncio.sleep(self.dice.random())
        choice = self.dice.random()
        try:
            if choice < 0.4:
                await self.stage.send(calls.approve_hold(hold.id))
            elif choice < 0.5:
                resolved = await self.stage.send(calls.approve_hold(hold.id, "15m"))
                if resolved.grant is not None:
                    await self.stage.send(calls.revoke_grant(resolved.grant.id))
            elif choice < 0.75:
                await self.stage.send(calls.deny_hold(hold.id))
        except VaultError as error:
            if error.code not in _GONE:
                self.ledger.fault(f"answering a hold: {error}")


async def edit(stage: Stage, dice: random.Random) -> None:
    """New credential versions, services switched, changed, added and removed; until cancelled."""
    while True:
        await asyncio.sleep(_EDIT_PAUSE * 2 * dice.random())
        name = f"extra-{dice.randrange(20)}"
        extra = service(name, f"{name}.example.com", scrub=dice.random() < 0.5)
        choices: tuple[calls.Call[Any], ...] = (
            calls.set_credentials(new_values()),
            calls.enable_service("switched", dice.random() < 0.6),
            calls.upsert_services([service("switched", SWITCHED, scrub=dice.random() < 0.5)]),
            calls.upsert_services([extra]),
        )
        await stage.send(dice.choice(choices))
        if name in {one["name"] for one in (await stage.send(calls.services())).services}:
            await stage.send(calls.remove_service(name))


async def revoke(stage: Stage, names: list[str], dice: random.Random) -> None:
    """Rotate tokens, or delete an agent and make it anew; until cancelled."""
    while names:
        await asyncio.sleep(_REVOKE_PAUSE * 2 * dice.random())
        name = dice.choice(names)
        if dice.random() < 0.7:
            stage.tokens[name] = (await stage.send(calls.rotate_agent(name))).av_agent_token
        else:
            await stage.send(calls.delete_agent(name))
            await asyncio.sleep(dice.random())
            stage.tokens[name] = await asyncio.to_thread(stage.worker.agent, name)
