"""The whole demo: upstream, worker and agents, from the first step to the last."""

import asyncio
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from vault_tui.demo import worker
from vault_tui.demo.actor import PATIENCE_SECONDS, Actor, ConnectionEnded, Outcome
from vault_tui.demo.cast import GRANTS, HOSTS, PLAYERS
from vault_tui.demo.issuer import Issuer
from vault_tui.demo.pki import make_upstream_tls
from vault_tui.demo.script import Step, asking
from vault_tui.demo.upstream import Seen, Upstream

_AT_ONCE = 64


@dataclass(slots=True)
class Summary:
    """What came of the plan. `surprises` are answers other than the planned one."""

    requests: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    by_agent: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)

    def add(self, step: Step, outcome: Outcome) -> None:
        """Count one answer and compare it with the plan."""
        self.requests += 1
        self.by_agent[step.player.name] += 1
        self.by_status[outcome.status] += 1
        if outcome.code:
            self.by_code[outcome.code] += 1
        expected = outcome.code == step.code if step.code else outcome.status == step.status
        if not expected or (outcome.code and not step.code):
            seen = f"{outcome.status} {outcome.code}".rstrip()
            wanted = step.code or step.status
            self.surprises.append(f"{step.offer.method} {step.offer.host}: {seen}, not {wanted}")


@dataclass(slots=True)
class Stage:
    """What runs while the demo does."""

    home: Home
    upstream: Upstream
    process: subprocess.Popen[bytes]
    actors: dict[str, Actor]
    summary: Summary = field(default_factory=Summary)

    @property
    def seen(self) -> Seen:
        """What the upstream counted."""
        return self.upstream.seen

    async def play(self, steps: Iterable[Step]) -> Summary:
        """Perform the steps at their times; returns when the last answer has come."""
        clock = asyncio.get_running_loop()
        start = clock.time()
        places = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for step in steps:
                await asyncio.sleep(max(0.0, start + step.at - clock.time()))
                await places.acquire()
                task = group.create_task(self._perform(step))
                task.add_done_callback(lambda _: places.release())
        return self.summary

    async def keep_asking(self, seed: int, first: float, pause: float) -> None:
        """Have each agent send what waits for an operator, and again some time after its answer.

        The first one comes after `first` seconds, every other one `pause` seconds after another.
        """
        async with asyncio.TaskGroup() as group:
            for step in asking(seed):
                group.create_task(self._ask(step, first + step.number * pause, pause))

    async def _ask(self, step: Step, first: float, pause: float) -> None:
        await asyncio.sleep(first)
        while True:
            # A client that was sent away asks again later, as agents do.
            with suppress(OSError, TimeoutError, ConnectionEnded):
                await self.actors[step.player.name].perform(step, PATIENCE_SECONDS)
            await asyncio.sleep(pause)

    async def _perform(self, step: Step) -> None:
        try:
            outcome = await self.actors[step.player.name].perform(step)
        except (OSError, TimeoutError, ConnectionEnded) as error:
            outcome = Outcome(0, type(error).__name__, 0)
        self.summary.add(step, outcome)


@asynccontextmanager
async def set_stage(home: Home) -> AsyncIterator[Stage]:
    """Upstream, worker and agents over `home`, which has to be empty; all ended on leaving.

    To be entered in the main thread. Raises VaultError.
    """
    home.prepare()
    values = worker.new_secrets()
    ca_file, context = make_upstream_tls(home.path, HOSTS)
    upstream = Upstream(values, context, Issuer(GRANTS))
    await upstream.start()
    options = ["--connect-to", f"::127.0.0.1:{upstream.port}", "--upstream-ca", str(ca_file)]
    process = worker.start_worker(home, options)
    actors: dict[str, Actor] = {}
    try:
        # In a thread: the worker may ask the upstream, which lives in this loop.
        tokens = await asyncio.to_thread(worker.furnish, home, values, upstream.issuer)
        actors = _actors(home, tokens)
        yield Stage(home, upstream, process, actors)
    finally:
        for actor in actors.values():
            actor.close()
        await asyncio.to_thread(worker.stop_worker, process)
        await upstream.stop()


def _actors(home: Home, tokens: dict[str, str]) -> dict[str, Actor]:
    client = SyncClient(Target(socket=home.socket))
    status = client.send(calls.status())
    trust = ssl.create_default_context(cadata=client.send(calls.ca_pem()))
    address = status.proxy if "://" in status.proxy else f"//{status.proxy}"
    parts = urlsplit(address)
    proxy = (parts.hostname or "127.0.0.1", parts.port or 0)
    return {
        player.name: Actor(player.name, tokens[player.name], player.vault, proxy, trust)
        for player in PLAYERS
    }
