"""Process trees that `run` started."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.services.runs import RunProcesses

# A parent that starts a child, tells its pid, and waits for its input to end.
PARENT = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE);"
    "print(child.pid, flush=True); sys.stdin.read(); child.communicate(b'\\n')"
)


@pytest.fixture
def family() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process and its child's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        yield parent, int(parent.stdout.readline())
        parent.communicate()


def test_a_registered_process_and_its_children_are_known(
    family: tuple[subprocess.Popen[str], int],
) -> None:
    """Its parent is not: the operator's own shell stays free."""
    parent, child = family
    runs = RunProcesses()
    assert not runs.contains(child)
    runs.register(parent.pid)
    assert runs.contains(parent.pid)
    assert runs.contains(child)
    assert not runs.contains(os.getpid())


def test_a_reused_pid_is_another_process(family: tuple[subprocess.Popen[str], int]) -> None:
    """The start time tells them apart."""
    parent, child = family
    runs = RunProcesses()
    runs.register(parent.pid)
    runs._started[parent.pid] -= 1
    assert not runs.contains(child)


def test_a_later_process_is_not_taken_for_one_from_before_a_restart(
    family: tuple[subprocess.Popen[str], int],
) -> None:
    """What started after the registration only has the same pid."""
    parent, child = family
    runs = RunProcesses()
    runs.restore(parent.pid, registered_at=1_000_000_000.0)
    assert not runs.contains(child)
    runs.restore(parent.pid, registered_at=4e9)
    assert runs.contains(child)


@pytest.mark.parametrize("pid", [-1, 0, 1, 2**30])
def test_what_is_no_process_of_a_run_is_refused(pid: int) -> None:
    """Registering init would shut everybody out."""
    with pytest.raises(VaultError):
        RunProcesses().register(pid)


def test_ended_processes_are_forgotten(family: tuple[subprocess.Popen[str], int]) -> None:
    """The registry doesn't grow with every run."""
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    runs = RunProcesses()
    runs.register(ended.pid)
    ended.communicate(b"\n")
    runs.register(family[0].pid)
    assert set(runs._started) == {family[0].pid}
