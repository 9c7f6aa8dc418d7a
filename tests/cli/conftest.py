"""A real worker, and the command line as people, scripts and agents start it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target

PROGRAM = (sys.executable, "-m", "vault_tui")
PASSWORD = "correct horse battery"
FOREIGN = ("VAULT_TUI_", "AGENT_VAULT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "COLUMNS")


def with_default_signals() -> None:
    """As a shell at a terminal starts it: jobs in the background of a script ignore interrupts."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@dataclass(frozen=True)
class CommandLine:
    """`vault-tui` over one home. Each command is a session of its own: no unlocked terminal.

    `token` is an operator's; without one, the master password proves each command.
    """

    home: Path
    token: str = ""

    def environment(self, **more: str) -> dict[str, str]:
        """What a command sees; nothing of the machine's own vault."""
        clean = {k: v for k, v in os.environ.items() if not k.upper().startswith(FOREIGN)}
        return clean | {"VAULT_TUI_HOME": str(self.home)} | more

    def __call__(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run as an operator's script."""
        proof = "VAULT_TUI_TOKEN" if self.token else "VAULT_TUI_MASTER_PASSWORD"
        given = {proof: self.token or PASSWORD} | environment
        return self.as_peer(*arguments, stdin=stdin, **given)

    def as_peer(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run without any proof."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
            start_new_session=True,
        )

    def ok(self, *arguments: str, stdin: str = "", **environment: str) -> str:
        """Standard output of a command that has to succeed."""
        done = self(*arguments, stdin=stdin, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout


def lasting_token(line: CommandLine) -> str:
    """An operator's, which does not end while the process is busy with other tests."""
    socket = line.home / "worker.sock"
    proof = calls.unlock("password", PASSWORD)
    first = SyncClient(Target(socket=socket)).send(proof).token
    operator = SyncClient(Target(socket=socket, token=first))
    operator.send(calls.change_settings({"unlock_minutes": 720}))
    return operator.send(proof).token


@pytest.fixture(scope="session")
def vault_tui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line over a worker that is set up and open."""
    line = CommandLine(tmp_path_factory.mktemp("vault") / "home")
    assert line.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    try:
        assert line.as_peer("init", "--password-stdin", stdin=PASSWORD + "\n").returncode == 0
        yield replace(line, token=lasting_token(line))
    finally:
        line.as_peer("stop")


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line over a worker whose token endpoints may be on this machine."""
    bare = CommandLine(tmp_path_factory.mktemp("oauth") / "home")
    flags = ("--port", "0", "--proxy-port", "0", "--allow-http-token-urls")
    assert bare.as_peer("start", *flags).returncode == 0
    try:
        assert bare.as_peer("init", "--password-stdin", stdin=PASSWORD + "\n").returncode == 0
        yield replace(bare, token=lasting_token(bare))
    finally:
        bare.as_peer("stop")


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line over an empty home; a worker that was started is stopped."""
    line = CommandLine(tmp_path / "home")
    yield line
    line.as_peer("stop")
