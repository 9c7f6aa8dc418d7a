"""What the measurements of one run share; each thing is started when it is first asked for."""

import contextlib
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.peers import PEERS, Peer, Setup, vault_tui
from benchmarks.tools import (
    CREDENTIAL,
    LOAD_CORE,
    build_tool,
    load,
    load_command,
    make_certificates,
    pinned,
    processor_seconds,
    running,
)

OURS = "vault-tui"
Flags = Mapping[str, object]
Run = dict[str, float]


@dataclass(eq=False)
class Lab:
    """`seconds` is the length of one run, `rounds` how many of each; `missing` peers by reason."""

    directory: Path
    seconds: float
    rounds: int
    peer_names: Sequence[str]
    missing: list[str] = field(default_factory=list)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    @cached_property
    def setup(self) -> Setup:
        """The Go tool, certificates, and the upstream serving."""
        tool, files = build_tool(self.directory), make_certificates(self.directory)
        command = [str(tool), "upstream", f"-cert={files.upstream_cert}"]
        command += [f"-key={files.upstream_key}", f"-credential={CREDENTIAL}"]
        _, line = self._stack.enter_context(running(pinned(LOAD_CORE, command)))
        return Setup(tool, files, self.directory, int(line.rsplit(":", 1)[1]))

    @cached_property
    def ours(self) -> Peer:
        """This project's worker."""
        return self._stack.enter_context(vault_tui(self.setup))

    @cached_property
    def peers(self) -> list[Peer]:
        """Those that could be started, ours first."""
        found = [self.ours]
        for name in self.peer_names:
            if name == OURS:
                continue
            try:
                found.append(self._stack.enter_context(PEERS[name](self.setup)))
            except (OSError, RuntimeError, subprocess.CalledProcessError) as problem:
                self.missing.append(f"{name}: {problem}")
        return found

    def worker_with(self, agents: int) -> Peer:
        """One more worker of ours, with so many agents."""
        return self._stack.enter_context(vault_tui(self.setup, f"with-{agents}", agents))

    # --- runs ---------------------------------------------------------------------------------

    def run(self, peer: Peer, flags: Flags, host: str = "localhost") -> Run:
        """Load through a peer; its figures, `processor`, the seconds that the peer computed, and
        for a rate `us_each`, how many microseconds for each.

        Where connections are made first, that counts from then on. Raises RuntimeError when the
        load could not be made.
        """
        spent = 0.0

        def mark() -> None:
            nonlocal spent
            spent = processor_seconds(peer.pid) if peer.pid else 0.0

        mark()
        figures = load(self.setup.tool, self._where(peer, flags, host), mark)
        now = processor_seconds(peer.pid) if peer.pid else 0.0
        figures = {**figures, "processor": now - spent}
        length = float(str(flags.get("seconds", self.seconds)))
        if peer.pid and (count := figures.get("per_second", 0.0) * length):
            figures["us_each"] = figures["processor"] / count * 1e6
        return figures

    @contextlib.contextmanager
    def running(self, peer: Peer, flags: Flags, host: str) -> Iterator[None]:
        """Load through a peer meanwhile. Raises RuntimeError when it ended before."""
        command = load_command(self.setup.tool, self._where(peer, flags, host))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            yield
            if process.poll() is not None:
                raise RuntimeError("the load ended too early")
            process.terminate()

    def _where(self, peer: Peer, flags: Flags, host: str) -> dict[str, object]:
        where = {"host": f"{host}:{self.setup.upstream_port}", "ca": peer.ca}
        return {**where, "proxy": peer.proxy, "auth": peer.auth, "seconds": self.seconds, **flags}

    def in_turn(
        self, flags: Flags, host: str = "localhost", peers: Sequence[Peer] | None = None
    ) -> dict[str, list[Run] | str]:
        """The runs of `peers`, all without, round by round; or why one has none."""
        chosen = self.peers if peers is None else peers
        runs: dict[str, list[Run] | str] = {peer.name: [] for peer in chosen}
        for _ in range(self.rounds):
            for peer in chosen:
                kept = runs[peer.name]
                if isinstance(kept, str):
                    continue
                try:
                    kept.append(self.run(peer, flags, host))
                except RuntimeError as problem:
                    runs[peer.name] = str(problem)[:60]
        return runs

    def pairs(self, one: "Side", other: "Side", figure: str) -> list[tuple[float, float]]:
        """What two ways do in a second of the worker's processor, in turn, in half as long runs.

        `figure` is a rate or a count of the load generator's. What else the machine computes takes
        time from both, but counts for neither.
        """
        length = self.seconds / 2
        found = []
        for number in range(2 * self.rounds):
            sides = (one, other) if number % 2 else (other, one)
            done = [
                self.run(side.peer, {**side.flags, "seconds": length}, side.host) for side in sides
            ]
            spread = 1.0 if figure == "count" else length
            rates = [run[figure] * spread / (run["processor"] or 0.01) for run in done]
            mine, others = rates if number % 2 else reversed(rates)
            found.append((mine, others))
        return found


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ways that are compared."""

    peer: Peer
    flags: Flags
    host: str = "plain.bench.test"


def median(runs: Sequence[Run] | str, figure: str) -> float | str:
    """Of the runs' figures; or why there are none."""
    return runs if isinstance(runs, str) else statistics.median(run[figure] for run in runs)


def others(runs: Mapping[str, Sequence[Run] | str]) -> Iterator[tuple[str, Sequence[Run] | str]]:
    """The peers that ours is compared with."""
    return ((name, theirs) for name, theirs in runs.items() if name != OURS)
