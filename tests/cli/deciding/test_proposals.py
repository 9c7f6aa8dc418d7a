"""`proposal` against a real worker: an agent raises, an operator decides."""

import fcntl
import json
import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.conftest import PROGRAM, CommandLine

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202eevil\u202c\n[bold]x[/bold] " + "A" * 1900
VAULT = "proposing"
SERVICE = {
    "name": "stripe",
    "host": "api.stripe.com",
    "auth": {"type": "bearer", "token": "STRIPE_KEY"},
}
BODY = {"services": [SERVICE], "credentials": [{"key": "STRIPE_KEY"}], "message": "please"}


@dataclass
class Cast:
    """An operator's command line and an agent's."""

    line: CommandLine
    token: str
    api: str

    def agent(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command as the agent runs it: with its token, over HTTP."""
        own = {"AGENT_VAULT_TOKEN": self.token, "AGENT_VAULT_ADDR": f"http://{self.api}"}
        return self.line.as_peer("proposal", *arguments, "--vault", VAULT, stdin=stdin, **own)

    def raised(self, body: dict[str, Any] | None = None) -> str:
        """Raise a proposal; answers its number."""
        done = self.agent("create", "-f", "-", "--json", stdin=json.dumps(body or BODY))
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["id"])

    def operator(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command as an operator's script runs it."""
        return self.line("proposal", *arguments, "--vault", VAULT, stdin=stdin)

    def status(self, number: str) -> str:
        """Where it stands."""
        return str(json.loads(self.agent("show", number, "--json").stdout)["status"])


@pytest.fixture
def cast(vault_tui: CommandLine) -> Iterator[Cast]:
    """An agent of a vault of its own."""
    vault_tui.ok("vault", "create", VAULT)
    made = json.loads(vault_tui.ok("agent", "create", "asks", "--vault", VAULT, "--json"))
    api = json.loads(vault_tui.ok("status", "--json"))["api"]
    yield Cast(vault_tui, made["av_agent_token"], api)
    vault_tui.ok("agent", "delete", "asks", "--yes")
    vault_tui.ok("vault", "delete", VAULT, "--yes")


def test_raised_listed_shown_approved(cast: Cast) -> None:
    """The agent's commands and the operator's, the value on standard input."""
    number = cast.raised()
    assert "please" in cast.agent("list").stdout
    assert "1 proposed" in cast.line.as_peer("status", "--short").stdout
    shown = cast.operator("show", number).stdout
    assert all(word in shown for word in ("agent asks", "+ service stripe", "STRIPE_KEY"))
    assert "values needed: STRIPE_KEY" in shown
    done = cast.operator("approve", number, "STRIPE_KEY", stdin="sk_live\n")
    assert done.returncode == 0, done.stderr
    assert "is applied" in done.stdout
    assert "sk_live" not in done.stdout + done.stderr
    followed = json.loads(cast.agent("show", number, "--wait", "5", "--json").stdout)
    assert followed["status"] == "applied"
    value = cast.line.ok("credential", "get", "STRIPE_KEY", "--reveal", "--vault", VAULT)
    assert value == "sk_live\n"
    again = cast.operator("approve", number)
    assert "decided so before" in again.stdout


def test_a_rejection_reaches_the_agent(cast: Cast) -> None:
    """With its reason; a second decision the other way is a failure."""
    number = cast.raised()
    assert cast.operator("reject", number, "--reason", "not yet").returncode == 0
    assert "not yet" in cast.agent("show", number, "--wait", "5").stdout
    late = cast.operator("approve", number, "STRIPE_KEY", stdin="x")
    assert (late.returncode, "rejected already" in late.stderr) == (1, True)
    assert cast.operator("list", "--status", "pending", "--json").stdout.count('"id"') == 0


def test_a_missing_value_is_said(cast: Cast) -> None:
    """A script that gives none learns how to; nothing is changed."""
    number = cast.raised()
    done = cast.operator("approve", number)
    assert (done.returncode, "STRIPE_KEY" in done.stderr) == (2, True)
    assert cast.status(number) == "pending"


def test_high_risk_wants_its_name(cast: Cast) -> None:
    """An existing credential at a new host: a script has to name it."""
    cast.line.ok("credential", "set", "STRIPE_KEY", "--vault", VAULT, stdin="sk_live")
    number = cast.raised({"services": [{**SERVICE, "host": "collect.evil.net"}]})
    done = cast.operator("approve", number)
    assert (done.returncode, "--confirm STRIPE_KEY" in done.stderr) == (2, True)
    assert "would be sent to collect.evil.net" in done.stdout
    assert cast.status(number) == "pending"
    assert cast.operator("approve", number, "--confirm", "STRIPE_KEY").returncode == 0


def test_an_agent_decides_nothing(cast: Cast) -> None:
    """Its token is refused, exit code 5."""
    number = cast.raised()
    for command in (("approve", number), ("reject", number)):
        assert cast.agent(*command).returncode == 5


def test_hostile_texts_steer_nothing(cast: Cast) -> None:
    """Escapes, reordering and markup are shown as they are spelled; JSON is pure ASCII."""
    slot = {"key": "STRIPE_KEY", "obtain": HOSTILE[:400], "value": "agents-own"}
    number = cast.raised({**BODY, "credentials": [slot], "message": HOSTILE})
    outputs = [
        cast.operator("show", number).stdout,
        cast.operator("list").stdout,
        cast.agent("show", number).stdout,
        cast.operator("reject", number, "--reason", "\x1b[31mred").stdout,
        cast.operator("show", number).stdout,
    ]
    for text in outputs:
        assert not {"\x1b", "\x07", "\u202e", "\u202c"} & set(text)
        assert "agents-own" not in text
        assert max(map(len, text.splitlines())) < 500
    assert r"\x1b]0;owned\x07" in outputs[0]
    assert "[bold]x[/bold]" in outputs[0]
    assert cast.operator("show", number, "--json").stdout.isascii()


def test_a_file_that_is_no_proposal(cast: Cast) -> None:
    """What is wrong is said without quoting a value."""
    for text, word in (("{", "neither"), ("[]", "no proposal"), ("surprise: 1", "surprise")):
        done = cast.agent("create", "-f", "-", stdin=text)
        assert (done.returncode, word in done.stderr) == (2, True)
    wrong = {"credentials": [{"key": "K", "value": ["s3cret"]}]}
    assert "s3cret" not in cast.agent("create", "-f", "-", stdin=json.dumps(wrong)).stderr


def test_review_needs_a_terminal(cast: Cast) -> None:
    """A script is told what to use instead."""
    done = cast.operator("review")
    assert (done.returncode, "approve and reject" in done.stderr) == (2, True)


def test_review_at_a_terminal(cast: Cast) -> None:
    """Each proposal in turn: skipped, revealed and rejected, approved with a typed name and a
    hidden value.
    """
    cast.line.ok("credential", "set", "OLD_KEY", "--vault", VAULT, stdin="old")
    first = cast.raised()
    second = cast.raised({"credentials": [{"key": "MINE", "value": "agents-own"}]})
    auth = {"type": "basic", "username": "OLD_KEY", "password": "NEW_KEY"}
    risky = {"name": "risky", "host": "x.evil.net", "auth": auth}
    third = cast.raised({"services": [risky], "credentials": [{"key": "NEW_KEY"}]})
    with Screen(cast, "review") as screen:
        screen.answer("q quit", "s")
        screen.answer("q quit", "v")
        screen.answer("agents-own", "")
        screen.answer("q quit", "r")
        screen.answer("Reason", "no thanks")
        screen.answer("q quit", "a")
        screen.answer("Type OLD_KEY to go on", "OLD_KEY")
        screen.answer("Value of NEW_KEY", "hidden-value")
        screen.end()
    assert "hidden-value" not in screen.seen
    assert [cast.status(one) for one in (first, second, third)] == [
        "pending",
        "rejected",
        "applied",
    ]


def test_a_wrong_name_changes_nothing(cast: Cast) -> None:
    """Typing anything else than the name cancels."""
    cast.line.ok("credential", "set", "STRIPE_KEY", "--vault", VAULT, stdin="sk_live")
    number = cast.raised({"services": [{**SERVICE, "host": "collect.evil.net"}]})
    with Screen(cast, "approve", number) as screen:
        screen.answer("Type STRIPE_KEY to go on", "yes")
        assert screen.end() == 1
    assert "nothing was changed" in screen.seen
    assert cast.status(number) == "pending"


class Screen:
    """A command at a pseudo-terminal, answered as a person would."""

    def __init__(self, cast: Cast, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environment = cast.line.environment(VAULT_TUI_TOKEN=cast.line.token, TERM="xterm")
        self._process = subprocess.Popen(
            [*PROGRAM, "proposal", *arguments, "--vault", VAULT],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""
        self._position = 0

    def answer(self, wait_for: str, text: str) -> None:
        """Wait for a text that was not there yet, and type a line; nothing for an empty one."""
        while wait_for not in self.seen[self._position :]:
            data = self._read()
            assert data, self.seen
            self.seen += data
        self._position = self.seen.index(wait_for, self._position) + len(wait_for)
        if text:
            os.write(self._master, f"{text}\n".encode())

    def end(self) -> int:
        """The exit status, once everything is read."""
        while data := self._read():
            self.seen += data
        return self._process.wait(20)

    def _read(self) -> str:
        try:
            return os.read(self._master, 65536).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            return ""

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(20)
        os.close(self._master)
