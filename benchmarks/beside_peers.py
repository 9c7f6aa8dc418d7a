"""Rows beside other proxies, in the same run: throughput, latency, streams, bodies, memory."""

import subprocess
from collections.abc import Iterator, Mapping

from benchmarks.lab import OURS, Flags, Lab, median, others
from benchmarks.peers import Peer
from benchmarks.report import Row, Target, at_least, at_most, compared, within
from benchmarks.tools import LOAD_CORE, pinned, resident_mib

Targets = Mapping[str, Target]


def small(lab: Lab) -> Iterator[Row]:
    """Small requests as fast as they go."""
    targets = {"go": at_least(0.85), "mitmproxy": at_least(20)}
    for connections in (16, 64):
        flags = {"mode": "throughput", "c": connections}
        figures: dict[str, tuple[str, Targets]] = {
            "per_second": (f"requests/s, {connections} connections", targets),
            # Tells something also while others compute.
            "us_each": (f"processor us a request, {connections} connections", {}),
        }
        yield from _beside(lab, flags, figures)


def latency(lab: Lab) -> Iterator[Row]:
    """Small requests at a pace that leaves room."""
    targets = {"go": at_most(1.25), "mitmproxy": at_most(0.12)}
    figures = {
        "p50_us": ("latency at 200/s, p50 us", targets),
        "p99_us": ("latency at 200/s, p99 us", {}),
    }
    yield from _beside(lab, {"mode": "latency", "rate": 200, "c": 4}, figures)


def connects(lab: Lab) -> Iterator[Row]:
    """A tunnel, two handshakes and a request, again and again."""
    targets = {"go": at_least(0.8), "mitmproxy": at_least(10)}
    figures = {"per_second": ("new connections/s", targets)}
    yield from _beside(lab, {"mode": "connects", "c": 8}, figures)


def new_hosts(lab: Lab) -> Iterator[Row]:
    """The first request to a host: a leaf has to be made for it."""
    figures = {"p50_us": ("first request to a new host, p50 us", {"go": at_most(3)})}
    through = [peer for peer in lab.peers if peer.name in (OURS, "go")]
    yield from _beside(lab, {"mode": "newhosts"}, figures, "*.bench.test", through)


def streams(lab: Lab) -> Iterator[Row]:
    """Two hundred event streams at once."""
    figures: dict[str, tuple[str, Targets]] = {
        "p50_us": ("SSE 200x50/s, delay p50 us", {"go": at_most(1.5)}),
        "p99_us": ("SSE 200x50/s, delay p99 us", {"go": at_most(2)}),
        "lost": ("SSE 200x50/s, events lost", {"go": within(0)}),
    }
    yield from _beside(lab, {"mode": "sse", "c": 200, "rate": 50}, figures)


def bodies(lab: Lab) -> Iterator[Row]:
    """Ten megabytes down, and up."""
    down, up = {"mode": "download", "c": 2, "path": "/bytes"}, {"mode": "upload", "c": 2}
    figure = "mb_per_second"
    yield from _beside(lab, down, {figure: ("10 MB downloads, MB/s", {"go": at_least(0.9)})})
    yield from _beside(lab, up, {figure: ("10 MB uploads, MB/s", {"go": at_least(0.8)})})


def memory(lab: Lab, connections: int = 1000) -> Iterator[Row]:
    """Resident MiB of each peer by itself, and what connections that are held open add."""
    alone: dict[str, float | str] = {}
    added: dict[str, float | str] = {}
    for peer in lab.peers:
        if peer.pid and peer.name != "mitmproxy":
            before = alone[peer.name] = resident_mib(peer.pid)
            held = _holding(lab, peer, connections)
            added[peer.name] = held if isinstance(held, str) else held - before
    yield Row("memory of a worker that has done nothing yet, MiB", alone[OURS], target=within(120))
    for name in alone.keys() - {OURS}:
        yield compared("memory alone, MiB", alone[OURS], name, alone[name])
        title = f"memory that {connections} connections take, MiB"
        yield compared(title, added[OURS], name, added[name], at_most(0.85))


def _holding(lab: Lab, peer: Peer, connections: int) -> float | str:
    command = [str(lab.setup.tool), "load", "-mode=hold", f"-c={connections}", f"-ca={peer.ca}"]
    command += [f"-host=localhost:{lab.setup.upstream_port}", f"-proxy={peer.proxy}"]
    command += [f"-auth={peer.auth}"]
    with subprocess.Popen(
        pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = resident_mib(peer.pid) if line else "could not hold"
        process.communicate()
    return found


def _beside(
    lab: Lab,
    flags: Flags,
    figures: Mapping[str, tuple[str, Targets]],
    host: str = "localhost",
    peers: list[Peer] | None = None,
) -> Iterator[Row]:
    """Rows of one measurement: for each of its figures a title, and a target by peer."""
    runs = lab.in_turn(flags, host, peers)
    for figure, (title, targets) in figures.items():
        ours = median(runs[OURS], figure)
        for name, theirs in others(runs):
            if not isinstance(theirs, str) and figure not in theirs[0]:
                continue  # of no process, no processor time
            yield compared(title, ours, name, median(theirs, figure), targets.get(name))
