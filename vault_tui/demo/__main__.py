"""`python -m vault_tui.demo`: the stage in a process of its own, for the console beside it.

Prints `ready` when the worker is furnished. Ends when standard input does, or on SIGTERM, and then
removes the home.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from proxy_core.base.paths import Home
from vault_tui.demo.lifeline import Janitor
from vault_tui.demo.script import plan
from vault_tui.demo.stage import set_stage

# Seconds: late enough that the first screen has been read, and seldom enough not to nag.
_FIRST_ASKED, _ASK_PAUSE = 6.0, 25.0


def main() -> None:
    """Play without end."""
    parser = argparse.ArgumentParser(prog="python -m vault_tui.demo")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    found = parser.parse_args()
    janitor = Janitor(found.home)
    try:
        asyncio.run(_play(Home(found.home), found.rate, found.seed))
    finally:
        janitor.dismiss()


async def _play(home: Home, rate: float, seed: int) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)
    async with set_stage(home) as stage:
        print("ready", flush=True)
        playing = [
            asyncio.ensure_future(stage.play(plan(seed, rate))),
            asyncio.ensure_future(stage.keep_asking(seed, _FIRST_ASKED, _ASK_PAUSE)),
        ]
        await asyncio.wait(
            {*playing, asyncio.ensure_future(over.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        for one in playing:
            one.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


if __name__ == "__main__":
    main()
