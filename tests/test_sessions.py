"""That the tests have a process session of their own wherever they are started."""

import os
import sys
from pathlib import Path

import pytest

from tests.sessions import has_leader, run_leaderless

ROOT = Path(__file__).parent.parent


def test_this_session_has_a_leader() -> None:
    """What the worker needs to tell this process's terminal from others."""
    assert has_leader()


ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
WANTED = f"{Path(__file__)}::{test_this_session_has_a_leader.__name__}"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT))
# A job of a shell leads a process group, and such a process cannot lead a session.
AS_A_JOB = "import os, sys; os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_tests_that_a_daemon_starts_lead_their_own(options: tuple[str, ...]) -> None:
    """The same test passes below a process without a leader."""
    done = run_leaderless(*PYTEST, WANTED, *options, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tests_that_cannot_lead_their_own_say_so() -> None:
    """At once, with the remedy, rather than by many failures later."""
    words = (sys.executable, "-c", AS_A_JOB, *PYTEST, WANTED)
    done = run_leaderless(*words, env=ENVIRONMENT)
    assert done.returncode == 4
    assert "setsid --wait" in done.stderr


def test_the_helper_leaves_no_leader() -> None:
    """Or the tests that use it would prove nothing."""
    code = "from tests.sessions import has_leader; print(has_leader())"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = run_leaderless(sys.executable, "-c", code, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
