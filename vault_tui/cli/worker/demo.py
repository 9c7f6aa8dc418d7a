"""`vault-tui demo`: the console over a throw-away worker, or the same play without a console."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy_core.base import variables
from vault_tui.cli import output
from vault_tui.cli.failures import Usage

if TYPE_CHECKING:
    from vault_tui.demo.stage import Stage, Summary


@click.command
@click.option("--headless", is_flag=True, help="No console: play, then print a summary.")
@click.option("--seconds", type=click.FloatRange(0.1), default=10, help="Length, with --headless.")
@click.option("--rate", type=click.FloatRange(0.1, 2000), default=6, help="Requests a second.")
@click.option("--seed", type=int, default=7, help="The same seed plays the same requests.")
@click.option("--json", "as_json", is_flag=True, help="Summary as JSON, with --headless.")
@click.pass_context
def demo(
    ctx: click.Context, headless: bool, seconds: float, rate: float, seed: int, as_json: bool
) -> None:
    """Try Vault TUI: nothing to set up, and nothing leaves this machine.

    A worker in a temporary directory, an upstream of its own behind well-known host names, and
    agents that send requests. Everything is gone when you leave.
    """
    # What points to a worker of one's own must not lead the demo there.
    for name in tuple(os.environ):
        if name.startswith(variables.PREFIXES) and name != variables.DEBUG:
            del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="vault-tui-demo-"))
    if headless:
        ctx.exit(_headless(home, seed, rate, seconds, as_json))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        home.rmdir()
        raise Usage("The console needs a terminal; use --headless without one")
    ctx.exit(_with_console(home, seed, rate))


def _headless(home: Path, seed: int, rate: float, seconds: float, as_json: bool) -> int:
    """Play the plan; 1 if an answer was not the planned one or a credential went astray."""
    import asyncio

    from proxy_core.base.paths import Home
    from vault_tui.demo.lifeline import Janitor
    from vault_tui.demo.script import plan_for
    from vault_tui.demo.stage import set_stage

    async def play() -> "tuple[Stage, Summary]":
        async with set_stage(Home(home)) as stage:
            return stage, await stage.play(plan_for(seed, rate, seconds))

    janitor = Janitor(home)
    try:
        stage, summary = asyncio.run(play())
    finally:
        janitor.dismiss()
    _print_summary(stage, summary, as_json)
    return 1 if summary.surprises or stage.seen.wrong or stage.seen.leaks else 0


def _with_console(home: Path, seed: int, rate: float) -> int:
    import signal
    import subprocess

    from proxy_core.base.errors import VaultError
    from proxy_core.base.paths import Home
    from vault_tui.demo.lifeline import die_with_parent
    from vault_tui.running import run_console

    command = [sys.executable, "-P", "-m", "vault_tui.demo", "--home", str(home)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, "--rate", str(rate), "--seed", str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads run here yet
        process_group=0,
    ) as stage:
        assert stage.stdin is not None
        assert stage.stdout is not None
        if stage.stdout.readline().strip() != b"ready":
            raise VaultError("no_worker", "The demo could not start.", {"help": ""})
        # Whoever started the demo is its operator.
        return run_console(Home(home), slot="keyfile")


def _print_summary(stage: "Stage", summary: "Summary", as_json: bool) -> None:
    facts = {
        "requests": summary.requests,
        "by_agent": dict(sorted(summary.by_agent.items())),
        "by_status": {str(status): n for status, n in sorted(summary.by_status.items())},
        "refused": dict(sorted(summary.by_code.items())),
        "credentials_verified": stage.seen.verified,
        "credentials_wrong": stage.seen.wrong,
        "credentials_leaked": stage.seen.leaks,
        "surprises": summary.surprises,
    }
    if as_json:
        output.emit_json(facts)
        return
    output.emit_fields((name.replace("_", " "), _words(value)) for name, value in facts.items())


def _words(value: object) -> object:
    if isinstance(value, dict):
        return [f"{key} {count}" for key, count in value.items()]
    return value
