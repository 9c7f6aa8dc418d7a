"""Marks of processes: living, ended, never seen."""

import os
import subprocess
import sys

from proxy_core.base.processes import lives, own_mark

_TELL = "from proxy_core.base.processes import own_mark; print(own_mark(), flush=True); input()"


def test_a_process_knows_itself() -> None:
    """Its own mark stays the same, and lives."""
    assert own_mark() == own_mark()
    assert lives(own_mark()) is True


def test_an_ended_process_is_seen_to_have_ended() -> None:
    """Also while its parent has not yet asked for its exit status."""
    child = subprocess.Popen(
        [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    mark = child.stdout.readline().strip()
    assert lives(mark) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert lives(mark) is False
    child.wait()
    assert lives(mark) is False


def test_another_process_of_the_same_number_is_another_process() -> None:
    """The start time tells them apart."""
    assert lives(own_mark() + "0") is False


def test_what_cannot_be_seen_from_here_is_not_known() -> None:
    """Another boot, another container, another system, or no mark at all."""
    *_, pid, started = own_mark().split("/")
    for mark in (f"other/pid:[1]/{pid}/{started}", "unknown/17", "", "a/b", "x/y/z/w"):
        assert lives(mark) is None
