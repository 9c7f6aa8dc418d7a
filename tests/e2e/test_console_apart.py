"""The proxy shares nothing with the console: a stalled, stopped or killed one stops no agent."""

import http.client
import json
import secrets
import signal
import ssl
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import World
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

REQUESTS = 300
STALL_SECONDS = 4.0
SLACK = 0.005
STRETCHES = 20
"""So often it is measured: others may keep the machine busy for a while."""


class Agent:
    """One agent with a kept tunnel to the upstream."""

    def __init__(self, world: World, token: str, root: Path) -> None:
        host, port = world.proxy.rsplit(":", 1)
        context = ssl.create_default_context(cafile=str(root))
        self._link = http.client.HTTPSConnection(host, int(port), context=context, timeout=30)
        fields = {"Proxy-Authorization": f"Bearer {token}"}
        self._link.set_tunnel("api.test", 443, fields)

    def ask(self, path: str = "/echo") -> float:
        """One request; seconds until its answer was read."""
        begun = time.perf_counter()
        self._link.request("GET", path)
        response = self._link.getresponse()
        body = response.read()
        assert response.status == 200, body
        return time.perf_counter() - begun

    def works_for(self, seconds: float) -> None:
        """Request after request."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.ask()

    def close(self) -> None:
        """Leave the tunnel."""
        self._link.close()


@dataclass
class Latency:
    """Of a few hundred requests, in seconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, agent: Agent) -> "Latency":
        """Measure now."""
        found = statistics.quantiles((agent.ask() for _ in range(REQUESTS)), n=20)
        return cls(found[9], found[18])

    def no_worse(self, before: "Latency") -> bool:
        """Within what a busy machine may do to it by itself."""
        return self.p50 < before.p50 * 3 + SLACK and self.p95 < before.p95 * 5 + SLACK * 5


def assert_as_fast(agent: Agent, before: Latency) -> None:
    """Some stretch of requests takes no longer than they took before."""
    measured = []
    for _ in range(STRETCHES):
        measured.append(Latency.of(agent))
        if measured[-1].no_worse(before):
            return
    raise AssertionError((before, measured))


@pytest.fixture
def agent(world: World, tmp_path: Path) -> Iterator[Agent]:
    """An agent at work."""
    root = tmp_path / "ca.pem"
    world.command("ca", "--out", str(root))
    token = world.agent(f"steady-{secrets.token_hex(4)}")
    with closing(Agent(world, token, root)) as made:
        made.ask()
        yield made


def resident_kib(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))


def test_a_terminal_that_stops_reading(world: World, agent: Agent) -> None:
    """With the console's output blocked, the proxy answers as before; then it catches up."""
    with Terminal(world) as terminal:
        agent.ask("/echo/up")
        assert terminal.shows("/echo/up")
        before = Latency.of(agent)
        memory = resident_kib(world.pid)
        terminal.reading.clear()
        agent.works_for(STALL_SECONDS)
        while terminal.unread == 0:  # the console has to come to the processor, too
            agent.ask()
        assert_as_fast(agent, before)
        assert resident_kib(world.pid) - memory < 32 * 1024
        terminal.reading.set()
        agent.ask("/echo/back")
        assert terminal.shows("/echo/back")


def test_a_stopped_console(world: World, agent: Agent) -> None:
    """A console under SIGSTOP reads no event: the worker neither waits nor hoards for it."""
    with Terminal(world) as terminal:
        agent.ask("/echo/running")
        assert terminal.shows("/echo/running")
        before = Latency.of(agent)
        memory = resident_kib(world.pid)
        terminal.console.send_signal(signal.SIGSTOP)
        agent.works_for(STALL_SECONDS)
        assert_as_fast(agent, before)
        assert resident_kib(world.pid) - memory < 32 * 1024
        terminal.console.send_signal(signal.SIGCONT)
        agent.ask("/echo/resumed")
        assert terminal.shows("/echo/resumed")


def test_a_killed_console(world: World, agent: Agent) -> None:
    """SIGKILL ends the console alone; a new one attaches and shows what went on meanwhile."""
    with Terminal(world) as first:
        agent.ask("/echo/one-console")
        assert first.shows("/echo/one-console")
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    agent.ask("/echo/unseen")
    assert json.loads(world.command("status", "--json").stdout)["pid"] == world.pid
    with Terminal(world) as second:
        assert second.shows("/echo/unseen")
        agent.ask("/echo/another")
        assert second.shows("/echo/another")
        assert world.worker is not None
        assert world.worker.poll() is None
