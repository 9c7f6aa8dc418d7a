"""A program that asks again for the token that it still holds: it was refused with it."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from tests.tokens.rig import Rig
from vault_tui.cli.people.auth_quick import print_token

KEEPS = {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "3300000"}


@dataclass
class Program:
    """A process that runs the command, as a child each time, when it is told to."""

    rig: Rig
    _tell: int
    _hear: int

    def begin(self) -> None:
        """Let it ask."""
        os.write(self._tell, b".")

    def answer(self) -> str:
        """What the command printed."""
        return os.read(self._hear, 65536).decode().strip()

    def asks(self) -> str:
        """Both."""
        self.begin()
        return self.answer()


@contextmanager
def program(rig: Rig, **environ: str) -> Iterator[Program]:
    """A program in its own process, by default one that says how long it keeps a token."""
    told, tell = os.pipe()
    hear, heard = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(tell)
            os.environ.update({"VAULT_TUI_HOME": str(rig.path), "CI": "1", **(environ or KEEPS)})
            while os.read(told, 1):
                _as_child(lambda: print_token(), heard)
        finally:
            os._exit(0)
    os.close(told)
    os.close(heard)
    try:
        yield Program(rig, tell, hear)
    finally:
        os.close(tell)
        os.waitpid(pid, 0)
        os.close(hear)


def _as_child(ask: Callable[[], object], heard: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            sys.stdout = io.StringIO()
            ask()
            os.write(heard, sys.stdout.getvalue().encode() or b"nothing")
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def signed_in(rig: Rig) -> str:
    """A token that was got a while ago."""
    token = rig.sign_in(ends_in=3600).printed
    a_while_ago(rig)
    return token


def a_while_ago(rig: Rig) -> None:
    """The login's tokens are not of this minute."""
    before = time.time() - 120
    os.utime(rig.directory.path / "login.json", (before, before))


@pytest.mark.parametrize("cache", [True, False])
def test_who_asks_again_gets_another_token(
    rig: Rig, cache: bool, request: pytest.FixtureRequest
) -> None:
    """Once: the new one is too young to be refused for its age."""
    if not cache:
        request.getfixturevalue("no_cache")
    old = signed_in(rig)
    with program(rig) as claude:
        assert claude.asks() == old
        new = claude.asks()
        assert new != old
        assert claude.asks() == new
    assert rig.server.accepts(new.encode())
    assert (rig.server.refreshes, rig.server.reuse) == (1, 0)


def test_programs_that_start_together_get_the_same_token(rig: Rig) -> None:
    """Each asks once, and later, when its token is due: nobody was refused."""
    old = signed_in(rig)
    for _ in range(3):
        with program(rig) as one, program(rig) as other:
            assert one.asks() == other.asks() == old
    assert rig.server.requests == 0


def test_twenty_that_were_refused_make_one_refresh(rig: Rig) -> None:
    """They ask again at the same time, and get the same new token."""
    old = signed_in(rig)
    with ExitStack() as running:
        programs = [running.enter_context(program(rig)) for _ in range(20)]
        assert {each.asks() for each in programs} == {old}
        for each in programs:
            each.begin()
        (new,) = {each.answer() for each in programs}
    assert new != old
    assert (rig.server.refreshes, rig.server.reuse) == (1, 0)


@pytest.mark.parametrize(
    "environ",
    [
        {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": ""},
        {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "soon"},
        {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "0"},
        {**KEEPS, "CLAUDECODE": "1"},
    ],
)
def test_who_does_not_keep_its_token_is_not_refused(rig: Rig, environ: dict[str, str]) -> None:
    """A script in a loop, a shell of a model: they leave no mark either."""
    old = signed_in(rig)
    with program(rig, **environ) as script:
        assert {script.asks() for _ in range(3)} == {old}
    assert rig.server.requests == 0
    assert not list(rig.directory.path.glob("given.*"))


def test_who_has_kept_its_token_long_enough_is_not_refused(rig: Rig) -> None:
    """It asks because its time is over."""
    old = signed_in(rig)
    with program(rig) as claude:
        assert claude.asks() == old
        (mark,) = rig.directory.path.glob("given.*")
        long_ago = time.time() - 3400
        os.utime(mark, (long_ago, long_ago))
        os.utime(rig.directory.path / "login.json", (long_ago - 9, long_ago - 9))
        assert claude.asks() == old
    assert rig.server.requests == 0


def test_an_issuer_in_trouble_costs_nothing(rig: Rig) -> None:
    """The old token is printed, the login stays, and the next refusal tries again."""
    old = signed_in(rig)
    rig.server.fail = [503]
    with program(rig) as claude:
        assert [claude.asks(), claude.asks()] == [old, old]
        assert claude.asks() != old
    assert (rig.server.refreshes, rig.server.reuse) == (1, 0)


def test_marks_of_programs_that_ended_are_taken_away(rig: Rig) -> None:
    """By the next program that comes."""
    signed_in(rig)
    for _ in range(2):
        with program(rig) as claude:
            claude.asks()
    (mark,) = rig.directory.path.glob("given.*")
    assert (mark.stat().st_mode & 0o777, mark.read_bytes()) == (0o600, b"")
    assert rig.holder.forget(lambda *_: None) is not None
    assert not list(rig.directory.path.glob("given.*"))


def test_behind_the_shell_that_it_starts_the_command_with(rig: Rig) -> None:
    """As Claude Code does: a shell each time, of the same program."""
    signed_in(rig)
    environ = {**os.environ, **KEEPS, "VAULT_TUI_HOME": str(rig.path), "CI": "1"}
    environ.pop("CLAUDECODE", None)
    line = f"{sys.executable} -m vault_tui auth token; true"  # so that no shell makes way for it
    printed = [
        subprocess.run(["/bin/sh", "-c", line], env=environ, capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    assert printed[0] != printed[1]
    assert rig.server.refreshes == 1
