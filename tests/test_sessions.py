"""That the tests have a process session of their own wherever they are started."""

import os
import sys
from pathlib import Path

from tests.sessions import has_leader, run_leaderless

ROOT = Path(__file__).parent.parent


def test_this_session_has_a_leader() -> None:
    """What the worker needs to tell this process's terminal from others."""
    assert has_leader()


def test_tests_that_a_daemon_starts_lead_their_own() -> None:
    """The same test passes below a process without a leader, with and without workers."""
    wanted = f"{Path(__file__)}::{test_this_session_has_a_leader.__name__}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    for options in ((), ("-n", "1")):
        words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT), wanted)
        done = run_leaderless(sys.executable, *words, *options, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_helper_leaves_no_leader() -> None:
    """Or the tests that use it would prove nothing."""
    code = "from tests.sessions import has_leader; print(has_leader())"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = run_leaderless(sys.executable, "-c", code, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
