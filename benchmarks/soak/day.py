"""The day: agents at work, their event streams, operators; and how it ends."""

import asyncio
import random
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.soak import operator
from benchmarks.soak.actions import ACTIONS, Action
from benchmarks.soak.agent import Agent, Refused, Wrong, expect, shows_secret
from benchmarks.soak.ledger import Entry, Ledger
from benchmarks.soak.names import API
from benchmarks.soak.stage import Stage
from benchmarks.soak.wire import Gone

STUCK_SECONDS = 180.0
_REVOCABLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: `rate` is requests a second over all agents, `streams` event streams at once."""

    seconds: float = 300.0
    agents: int = 50
    streams: int = 200
    rate: float = 300.0
    seed: int = 1


@dataclass(slots=True)
class Day:
    """Agents that work until `end`."""

    plan: Plan
    stage: Stage
    ledger: Ledger
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    def crew(self) -> list[Agent]:
        """The agents; every tenth one's token is revoked now and then."""
        revocable = int(self.plan.agents * _REVOCABLE_SHARE)
        return [
            Agent(name, self.stage, self.ledger, self.dice(name), number < revocable)
            for number, name in enumerate(self.stage.tokens)
        ]

    def dice(self, of: str) -> random.Random:
        """Chance that is the same in each run with this seed."""
        return random.Random(f"{self.plan.seed} {of}")

    async def each_once(self, agents: list[Agent]) -> None:
        """Every kind of action, so that what is made at its first use has been made."""
        await asyncio.gather(
            *(
                self._try(agents[number % len(agents)], action)
                for number, action in enumerate([*ACTIONS, self._stream])
            )
        )
        for agent in agents:
            agent.leave()

    @asynccontextmanager
    async def working(self, agents: list[Agent]) -> AsyncIterator[None]:
        """Agents, streams and operators are at work inside; all have stopped afterwards."""
        self.ending.clear()
        tasks = [asyncio.create_task(self._work(agent)) for agent in agents]
        for number in range(self.plan.streams):
            tasks.append(asyncio.create_task(self._listen(agents[number % len(agents)])))
        names = [agent.name for agent in agents if agent.revocable]
        operators = [
            asyncio.create_task(operator.edit(self.stage, self.dice("edit"))),
            asyncio.create_task(operator.revoke(self.stage, names, self.dice("revoke"))),
        ]
        try:
            yield
        finally:
            self.ending.set()
            for task in operators:
                task.cancel()
            ended = await asyncio.gather(*tasks, *operators, return_exceptions=True)
            for failure in ended:
                if isinstance(failure, Exception):
                    self.ledger.fault("".join(traceback.format_exception(failure)))
            for agent in agents:
                agent.leave()

    async def _work(self, agent: Agent) -> None:
        kinds, weights = list(ACTIONS), list(ACTIONS.values())
        pause = self.plan.agents / self.plan.rate
        while not self.ending.is_set():
            await self._rest(agent.dice.expovariate(1 / pause))
            if not self.ending.is_set():
                await self._try(agent, agent.dice.choices(kinds, weights)[0])

    async def _listen(self, agent: Agent) -> None:
        while not self.ending.is_set():
            await self._rest(agent.dice.random())
            if not self.ending.is_set():
                await self._try(agent, self._stream)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.ending.wait(), seconds)
        except TimeoutError:
            return

    async def _try(self, agent: Agent, action: Action) -> None:
        """One action, and what it came to."""
        name = action.__name__.strip("_")
        entry = self.ledger.open(name)
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                came_of_it = await action(agent, entry)
        except TimeoutError:
            self.ledger.fault(f"{name} {entry.id} is stuck")
        except Wrong as wrong:
            self.ledger.fault(f"{name} {entry.id}: {str(wrong)[:300]}")
        except Refused:
            self.ledger.outcomes[f"{name} refused"] += 1
        except (Gone, OSError) as gone:
            self.ledger.outcomes[f"{name} gone"] += 1
            if not agent.revocable:
                self.ledger.fault(f"{name} {entry.id}: connection lost: {gone}")
        else:
            self.ledger.outcomes[f"{name} {came_of_it}"] += 1

    async def _stream(self, agent: Agent, entry: Entry) -> str:
        """An event stream: to its end, until the upstream breaks off, or until we leave."""
        dice = agent.dice
        events, gap = dice.randrange(4, 60), dice.choice((100, 500, 500, 900))
        cut = dice.randrange(1, events) if dice.random() < 0.1 else 0
        leave = dice.randrange(events) if dice.random() < 0.3 else events
        line = await agent.connect(API)
        try:
            entry.sent = True
            await line.send(agent.request(entry, API, f"sse?n={events}&ms={gap}&cut={cut}").head)
            head = await agent.head(line, entry, API)
            expect(head.status == 200, head)
            for number in range(events):
                if number == leave or self.ending.is_set():
                    return "left"
                event = await line.chunk()
                expect(event.startswith(b"data: %d " % number), f"event {number}: {event!r}")
                expect(not shows_secret(event), "a secret in an event")
            expect(await line.chunk() == b"", "more than all events")
            return "ended"
        except Gone:
            if not cut:
                raise
            return "broken"
        finally:
            line.abort(reset=dice.random() < 0.5)
