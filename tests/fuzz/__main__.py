"""`python -m tests.fuzz [TARGET …] [--seconds N]`: each target in turn, in a process of its own.

What was found to reach new code is kept in `.fuzz/TARGET` and taken up by the next run; an input
that fails is written there as `crash-…` or `timeout-…`, its trace is printed, and the exit status
is 1.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.corpus import FOLDER, unpack
from tests.fuzz.targets import TARGETS

_ONE_INPUT_SECONDS = 5
_MEMORY_MIB = 2048


def run(target: str, seconds: int, found: Path) -> int:
    """Fuzz one target for that long; what is new goes to `found`. Returns 0 when all held."""
    unpack(target, found)
    command = [sys.executable, "-m", "tests.fuzz.targets", target, f"-dict={FOLDER}/{target}.dict"]
    command += [f"-max_total_time={seconds}", f"-timeout={_ONE_INPUT_SECONDS}"]
    command += [f"-rss_limit_mb={_MEMORY_MIB}", "-print_final_stats=1", "-verbosity=0"]
    command += [f"-artifact_prefix={found}/", str(found)]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Run what was asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="for each target (600)")
    parser.add_argument("--found", type=Path, default=Path(".fuzz"), help="what is kept (.fuzz)")
    chosen = parser.parse_args()
    failed = []
    for target in chosen.targets or TARGETS:
        print(f"== {target}, {chosen.seconds} s", flush=True)
        if run(target, chosen.seconds, chosen.found / target):
            failed.append(target)
    print("failed: " + ", ".join(failed) if failed else "all held")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
