"""`make soak`."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import soak as about
from benchmarks.soak.day import Plan
from benchmarks.soak.soak import soak


def main() -> int:
    """Parse the options, run, report; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make soak", description=about.__doc__)
    standard = Plan()
    parser.add_argument("--minutes", type=float, default=standard.seconds / 60)
    parser.add_argument("--agents", type=int, default=standard.agents)
    parser.add_argument("--streams", type=int, default=standard.streams, help="at once")
    parser.add_argument("--rate", type=float, default=standard.rate, help="requests/s of all")
    parser.add_argument("--seed", type=int, default=standard.seed)
    given = vars(parser.parse_args())
    plan = Plan(seconds=given.pop("minutes") * 60, **given)
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    found = soak(directory, plan)
    print("\n".join(found.lines))
    if found.faults:
        print(f"the worker's database and log are in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
