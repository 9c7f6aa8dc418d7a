"""The real Claude Code, set up for the vault in one of several ways, in a home of its own."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proxy_core.domain.claude_code import PLACEHOLDER
from tests.e2e.anthropic import Anthropic
from tests.e2e.program import VAULT_TUI, Program
from tests.tmux import MISSING, Screen

EMAIL = "ada@example.com"
_LOCAL = str(Path(__file__).parents[1] / "claude" / "node_modules" / ".bin" / "claude")
_CODE = re.compile(r"\b[B-Z]{4}-[B-Z]{4}\b")


def installed() -> str:
    """The real program. It is larger than all the rest of what the tests need."""
    places = (os.environ.get("VAULT_TUI_CLAUDE"), shutil.which("claude"), shutil.which(_LOCAL))
    found = next(filter(None, places), None)
    if found is None:
        pytest.skip("no claude on PATH, at $VAULT_TUI_CLAUDE, or by npm ci in tests/claude")
    return found


@dataclass(frozen=True)
class Said:
    """What its user gets: both outputs, and the exit status."""

    text: str
    status: int


@dataclass
class ClaudeCode:
    """`home` is where it keeps what it knows; `more` are variables beside those of any program."""

    program: Program
    path: str
    home: Path
    command: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.command = self.command or (self.path,)
        self.work = self.home / "work"
        self.work.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests, but what finds programs."""
        path = os.pathsep.join((str(Path(self.path).parent), os.environ["PATH"]))
        fixed = {"HOME": str(self.home), "PATH": path, "TERM": "xterm-256color"}
        own = {"VAULT_TUI_HOME": str(self.program.home), "DISABLE_AUTOUPDATER": "1"}
        return {**fixed, **own, **self.more}

    def say(self) -> Said:
        """`claude -p`; it fails when there is no answer long before retries would end."""
        done = subprocess.run(
            [*self.command, "-p", "say hi"],
            env=self.environment,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Said(done.stdout + done.stderr, done.returncode)

    @contextmanager
    def conversation(self) -> "Iterator[Conversation]":
        """One process for several turns."""
        form = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
        with subprocess.Popen(
            [*self.command, "-p", *form],
            env=self.environment,
            cwd=self.work,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Conversation(process)
            process.communicate(timeout=60)

    def sign_in(self, base: str) -> None:
        """`/login` at the gateway, in a terminal; an operator approves the code that is shown."""
        if MISSING:
            pytest.skip("tmux is not installed")
        settings = {"forceLoginMethod": "gateway", "forceLoginGatewayUrl": base}
        trusted = {"projects": {str(self.work): {"hasTrustDialogAccepted": True}}}
        (self.home / ".claude").mkdir()
        (self.home / ".claude" / "settings.json").write_text(json.dumps(settings))
        state = json.dumps({"hasCompletedOnboarding": True, **trusted})
        (self.home / ".claude.json").write_text(state)
        clean = ["env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
        screen = Screen(shlex.join([*clean, self.path]), {}, self.work)
        try:
            self._log_in(screen)
        finally:
            screen.close()

    def _log_in(self, screen: Screen) -> None:
        screen.until("/login")
        screen.type("/login")
        screen.until("Sign in", 30)  # what the command does: it is chosen
        screen.keys("Enter")
        screen.until("Enter to connect")
        screen.keys("Enter")
        _choose_yes(screen, "Trust gateway")
        shown = screen.until_that(lambda text: _CODE.search(text) is not None, "a code", 30)
        code = _CODE.search(shown)
        assert code is not None
        self.program.command("device", "approve", code[0], "--email", EMAIL)
        _choose_yes(screen, EMAIL)
        screen.until("Connected to")


class Conversation:
    """Turns of one process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def turn(self, text: str) -> list[dict[str, Any]]:
        """Say it; what came until the answer was complete, the answer last."""
        content = [{"type": "text", "text": text}]
        message = {"type": "user", "message": {"role": "user", "content": content}}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(message) + "\n")
        stdin.flush()
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != "result":
            events.append(json.loads(stdout.readline()))
        return events


@dataclass
class Setups:
    """The ways in which it can use the vault, one at a time: `of` changes to another one.

    `base` is the gateway's URL over TLS, `ca` names what is trusted for that.
    """

    program: Program
    upstream: Anthropic
    path: str
    base: str
    ca: Path
    _now: str = ""
    _count: int = 0
    _claude: ClaudeCode | None = None

    def of(self, way: str) -> ClaudeCode:
        """Claude Code set up in this way, in a new home unless it is so already."""
        if way != self._now or self._claude is None:
            self.end()
            self._count += 1
            home = self.program.base / f"home-{self._count}"
            self._claude = ClaudeCode(self.program, self.path, home)
            getattr(self, "_" + way.replace("-", "_"))(self._claude)
            self._now = way
        return self._claude

    def revoke(self, way: str) -> None:
        """End what the vault has given it, which it learns only by using it."""
        command = self.program.command
        if way == "proxy":
            found = json.loads(command("agent", "list", "--json").stdout)["agents"]
            for agent in found:
                command("agent", "rotate", agent["name"])
        elif way == "gateway":
            for session in json.loads(command("session", "list", "--json").stdout)["sessions"]:
                command("session", "revoke", session["id"])
        else:
            for device in json.loads(command("device", "list", "--json").stdout)["devices"]:
                command("device", "revoke", device["id"], "--yes")

    def end(self) -> None:
        """Take back what `vault-tui setup` has written."""
        if self._claude is not None and self._now in ("proxy", "api-key", "gateway"):
            self._setup(self._claude, "--undo")
        if self._now == "gateway":
            self.program.command("auth", "logout")
        self._now, self._claude = "", None

    def _setup(self, claude: ClaudeCode, *options: str) -> None:
        own = self.program.proving | {"HOME": str(claude.home)}
        self.program.command("setup", "claude-code", *options, env=own, stdin=subprocess.DEVNULL)

    def _proxy(self, claude: ClaudeCode) -> None:
        self._setup(claude, "--mode", "proxy")

    def _api_key(self, claude: ClaudeCode) -> None:
        self._setup(claude, "--mode", "proxy")
        claude.more = {"ANTHROPIC_API_KEY": PLACEHOLDER}

    def _gateway(self, claude: ClaudeCode) -> None:
        self._setup(claude, "--mode", "gateway")

    def _login(self, claude: ClaudeCode) -> None:
        claude.more = {"NODE_EXTRA_CA_CERTS": str(self.ca)}
        claude.sign_in(self.base)

    def _account(self, claude: ClaudeCode) -> None:
        claude.command = (VAULT_TUI, "claude", "--use", "ada")
        claude.more = {"VAULT_TUI_MASTER_PASSWORD_FILE": str(self.program.password_file)}


def _choose_yes(screen: Screen, question: str) -> None:
    screen.until(question)
    screen.keys("Up")
    screen.until("\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} Yes")
    screen.keys("Enter")
