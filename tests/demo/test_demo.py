"""The demo as people start it: what it plays, and that nothing of it stays."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = (sys.executable, "-m", "vault_tui", "demo", "--headless")


def environment(tmp_path: Path) -> dict[str, str]:
    """Temporary files go where the test can see them."""
    return os.environ | {"TMPDIR": str(tmp_path)}


def workers_of(tmp_path: Path) -> list[str]:
    """Command lines of processes that serve a home below `tmp_path`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(tmp_path) in line:
            found.append(line)
    return found


def test_the_demo_plays_as_planned_and_leaves_nothing(tmp_path: Path) -> None:
    """Every answer is the planned one, every credential reached its own host and no other."""
    done = subprocess.run(
        [*COMMAND, "--seconds", "3", "--rate", "40", "--seed", "3", "--json"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert summary["requests"] == 120
    assert summary["surprises"] == []
    assert summary["credentials_leaked"] == summary["credentials_wrong"] == 0
    assert summary["credentials_verified"] > 60
    assert {"forbidden", "method_not_allowed"} <= set(summary["refused"])
    assert list(tmp_path.iterdir()) == []
    assert workers_of(tmp_path) == []


def test_a_killed_demo_leaves_nothing(tmp_path: Path) -> None:
    """Even after SIGKILL, the worker ends and the directory goes."""
    with subprocess.Popen(
        [*COMMAND, "--seconds", "60"], env=environment(tmp_path), stdout=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("*/worker.sock")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert workers_of(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 15
    while (list(tmp_path.iterdir()) or workers_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
    assert workers_of(tmp_path) == []
