"""The demo as people start it: what it plays, and that nothing of it stays."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.sessions import Leaderless, run_leaderless

COMMAND = (sys.executable, "-m", "vault_tui", "demo", "--headless")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """An empty directory with a path short enough for a socket in a home below it."""
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        yield Path(name)


def environment(scratch: Path) -> dict[str, str]:
    """Temporary files go where the test can see them."""
    return os.environ | {"TMPDIR": str(scratch)}


def workers_of(scratch: Path) -> list[str]:
    """Command lines of processes that serve a home below `scratch`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(scratch) in line:
            found.append(line)
    return found


def test_the_demo_plays_as_planned_and_leaves_nothing(scratch: Path) -> None:
    """Every answer is the planned one, every credential reached its own host and no other."""
    done = subprocess.run(
        [*COMMAND, "--seconds", "3", "--rate", "40", "--seed", "3", "--json"],
        env=environment(scratch),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert summary["requests"] == 120
    assert summary["surprises"] == []
    assert summary["credentials_leaked"] == summary["credentials_wrong"] == 0
    assert summary["credentials_verified"] > 60
    assert {"forbidden", "method_not_allowed"} <= set(summary["refused"])
    assert list(scratch.iterdir()) == []
    assert workers_of(scratch) == []


def test_the_demo_plays_where_nothing_stays_unlocked(scratch: Path) -> None:
    """A process whose session nothing identifies is its demo's operator all the same."""
    options = ("--seconds", "1", "--rate", "20", "--json")
    done = run_leaderless(*COMMAND, *options, env=environment(scratch))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["surprises"] == []


def test_the_demos_console_is_unlocked_where_nothing_stays_unlocked(scratch: Path) -> None:
    """Its operator need not prove anything, and leaving it leaves nothing."""
    mine, theirs = pty.openpty()
    with os.fdopen(mine, "r+b", buffering=0) as screen:
        command = (sys.executable, "-m", "vault_tui", "demo")
        size = {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "30"}
        ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
        demo = Leaderless(*command, env=environment(scratch) | size, **ends)
        os.close(theirs)
        shown = b""
        while "● operator".encode() not in shown:
            shown += screen.read(65536)
        screen.write(b"q")
        with suppress(OSError):  # everyone has let the terminal go
            while True:
                screen.read(65536)
        assert demo.wait() == 0
    assert list(scratch.iterdir()) == []
    assert workers_of(scratch) == []


def test_a_killed_demo_leaves_nothing(scratch: Path) -> None:
    """Even after SIGKILL, the worker ends and the directory goes."""
    with subprocess.Popen(
        [*COMMAND, "--seconds", "60"], env=environment(scratch), stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not list(scratch.glob("*/worker.sock")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert workers_of(scratch)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 60
    while (list(scratch.iterdir()) or workers_of(scratch)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(scratch.iterdir()) == []
    assert workers_of(scratch) == []
