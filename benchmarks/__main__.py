"""`make bench`: one table of every measurement, ratios first.

Each measurement takes those that it compares in turn, several rounds, and reports medians: figures
of one run can be compared with each other, not with those of another machine or day.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks import (
    beside_peers,
    console_load,
    console_start,
    log_pages,
    matching,
    switches,
    token_command,
)
from benchmarks.lab import Lab
from benchmarks.peers import PEERS
from benchmarks.report import Row, foreign_load, print_report

Measure = Callable[[Lab], Iterator[Row]]

ROWS: Mapping[str, Measure] = {
    "memory": beside_peers.memory,  # first: of a worker that has done nothing yet
    "small": beside_peers.small,
    "latency": beside_peers.latency,
    "connects": beside_peers.connects,
    "new-hosts": beside_peers.new_hosts,
    "streams": beside_peers.streams,
    "bodies": beside_peers.bodies,
    "scrub": switches.scrub,
    "rules": switches.rules,
    "substitution": switches.substitution,
    "agents": switches.agents,
    "services": matching.services,
    "log-pages": log_pages.log_pages,
    "log-delay": log_pages.log_delay,
    "console": console_load.console,
    "console-start": console_start.console_start,
    "status": console_start.status,
    "token": token_command.token,
}


def measured(lab: Lab, names: Iterable[str]) -> Iterator[Row]:
    """The rows of these names. One that fails says so, and the next ones follow."""
    for name in names:
        try:
            yield from ROWS[name](lab)
        except Exception as problem:  # told in the table; the other rows are still worth having
            yield Row(name, f"failed: {type(problem).__name__}: {str(problem)[:60]}")


def main() -> None:
    """Parse the options, measure, print the table."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--seconds", type=float, default=4, help="length of one run")
    options.add_argument("--rounds", type=int, default=3, help="runs of each")
    options.add_argument("--peers", default=",".join(PEERS), help="comma-separated")
    options.add_argument("--rows", default=",".join(ROWS), help="comma-separated: %(default)s")
    chosen = options.parse_args()
    names = chosen.rows.split(",")
    if unknown := [name for name in names if name not in ROWS]:
        options.error(f"no such rows: {', '.join(unknown)}")
    before = foreign_load()
    with (
        tempfile.TemporaryDirectory() as directory,
        Lab(Path(directory), chosen.seconds, chosen.rounds, chosen.peers.split(",")) as lab,
    ):
        print_report(measured(lab, names), lab.missing, before)


if __name__ == "__main__":
    main()
