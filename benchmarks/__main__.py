"""`make bench`: throughput, added latency, connections, streams, bodies and memory, with peers.

Each measurement takes all peers in turn, several rounds, and reports medians: figures of one run
can be compared with each other, not with those of another machine or day.
"""

import argparse
import contextlib
import statistics
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import PEERS, Peer, Setup
from benchmarks.report import Row, foreign_load, print_report
from benchmarks.tools import (
    CREDENTIAL,
    LOAD_CORE,
    build_tool,
    load,
    make_certificates,
    pinned,
    resident_mib,
    running,
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row: the load generator's flags, and which of its figures counts."""

    title: str
    figure: str
    flags: dict[str, object]
    higher_is_better: bool = True


def plan(seconds: float) -> list[Measurement]:
    """What is measured; `seconds` is the length of one run."""
    small = {"mode": "throughput", "seconds": seconds}
    paced = {"mode": "latency", "rate": 200, "c": 4, "seconds": seconds}
    streams = {"mode": "sse", "c": 200, "rate": 50, "seconds": seconds}
    bodies = {"c": 2, "seconds": seconds}
    return [
        Measurement("requests/s, 16 connections", "per_second", small | {"c": 16}),
        Measurement("requests/s, 64 connections", "per_second", small | {"c": 64}),
        Measurement("latency at 200/s, p50 us", "p50_us", paced, False),
        Measurement("latency at 200/s, p99 us", "p99_us", paced, False),
        Measurement(
            "new connections/s", "per_second", {"mode": "connects", "c": 8, "seconds": seconds}
        ),
        Measurement("SSE 200x50/s, delay p50 us", "p50_us", streams, False),
        Measurement("SSE 200x50/s, delay p99 us", "p99_us", streams, False),
        Measurement("SSE 200x50/s, events lost", "lost", streams, False),
        Measurement("10 MB downloads, MB/s", "mb_per_second", bodies | {"mode": "download"}),
        Measurement("10 MB uploads, MB/s", "mb_per_second", bodies | {"mode": "upload"}),
    ]


def measure(setup: Setup, peers: list[Peer], seconds: float, rounds: int) -> list[Row]:
    """All rows. A peer that fails a measurement shows why instead of a figure."""
    rows = []
    runs: dict[tuple[str, str], list[dict[str, float] | str]] = defaultdict(list)
    for measurement in plan(seconds):
        key = repr(sorted(measurement.flags.items()))
        if not any(name == key for name, _ in runs):
            for _ in range(rounds):
                for peer in peers:
                    runs[key, peer.name].append(_once(setup, peer, measurement.flags))
        figures: dict[str, float | str] = {}
        for peer in peers:
            good = [
                run[measurement.figure] for run in runs[key, peer.name] if isinstance(run, dict)
            ]
            bad = [run for run in runs[key, peer.name] if isinstance(run, str)]
            figures[peer.name] = statistics.median(good) if good else bad[0]
        rows.append(Row(measurement.title, figures, measurement.higher_is_better))
    return rows


def _once(setup: Setup, peer: Peer, flags: dict[str, object]) -> dict[str, float] | str:
    where = {"host": f"localhost:{setup.upstream_port}", "ca": peer.ca}
    try:
        return load(setup.tool, where | {"proxy": peer.proxy, "auth": peer.auth} | flags)
    except RuntimeError as problem:
        return str(problem)[:60]


def memory(setup: Setup, peers: list[Peer], connections: int) -> list[Row]:
    """Resident MiB after the runs, and with connections held open."""
    after: dict[str, float | str] = {}
    held: dict[str, float | str] = {}
    for peer in peers:
        if not peer.pid or peer.name == "mitmproxy":
            continue
        after[peer.name] = resident_mib(peer.pid)
        command = [str(setup.tool), "load", "-mode=hold", f"-c={connections}", f"-ca={peer.ca}"]
        command += [
            f"-host=localhost:{setup.upstream_port}",
            f"-proxy={peer.proxy}",
            f"-auth={peer.auth}",
        ]
        with subprocess.Popen(
            pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            held[peer.name] = resident_mib(peer.pid) if line else "could not hold"
            process.communicate()
    return [
        Row("memory after the runs, MiB", after, False),
        Row(f"memory with {connections} connections, MiB", held, False),
    ]


def main() -> None:
    """Parse the options, start the peers, print the table."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--seconds", type=float, default=4, help="length of one run")
    options.add_argument(
        "--rounds", type=int, default=3, help="runs of each, of which the median counts"
    )
    options.add_argument("--peers", default=",".join(PEERS), help="comma-separated")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        tool, files = build_tool(directory), make_certificates(directory)
        command = [
            str(tool),
            "upstream",
            f"-cert={files.upstream_cert}",
            f"-key={files.upstream_key}",
        ]
        command += [f"-credential={CREDENTIAL}"]
        _, line = stack.enter_context(running(pinned(LOAD_CORE, command)))
        setup = Setup(tool, files, directory, int(line.rsplit(":", 1)[1]))
        peers, missing = [], {}
        for peer in chosen.peers.split(","):
            try:
                peers.append(stack.enter_context(PEERS[peer](setup)))
            except (OSError, RuntimeError, subprocess.CalledProcessError) as problem:
                missing[peer] = str(problem)
        before = foreign_load()
        rows = measure(setup, peers, chosen.seconds, chosen.rounds)
        rows += memory(setup, peers, 1000)
        print_report(rows, [peer.name for peer in peers], missing, before)


if __name__ == "__main__":
    main()
