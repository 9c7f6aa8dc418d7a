"""The real program, in a real terminal (tmux), over a real worker."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.launcher import ensure_worker, running_status, stop_worker
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target

PASSWORD = "a long pass phrase of this test"

if shutil.which("tmux") is None and not os.environ.get("CI"):
    pytest.skip("tmux is missing: the real terminal was NOT tested", allow_module_level=True)


class Terminal:
    """One tmux server of its own, with one window of 100 by 30."""

    def __init__(self, home: Path, *options: str) -> None:
        self._name = f"vault-tui-test-{uuid.uuid4().hex}"
        # Nobody's keyring: the first run must work on a bare server.
        environment = {
            "VAULT_TUI_HOME": str(home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TERM": "xterm-256color",
        }
        settings = [part for k, v in environment.items() for part in ("-e", f"{k}={v}")]
        command = " ".join((sys.executable, "-m", "vault_tui", *options))
        program = f"{command}; echo LEFT-WITH-$?; exec cat"
        self._tmux("new-session", "-d", "-x", "100", "-y", "30", *settings, program)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, "-f", "/dev/null", *words],
            check=True, capture_output=True, text=True, timeout=10,
        )  # fmt: skip
        return done.stdout

    def text(self) -> str:
        """What the terminal shows."""
        return self._tmux("capture-pane", "-p")

    def keys(self, *names: str) -> None:
        """Press keys, in tmux's names."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type text."""
        self._tmux("send-keys", "-l", text)

    def until(self, wanted: str, seconds: float = 30.0) -> str:
        """Wait until `wanted` is shown."""
        return self.until_that(lambda text: wanted in text, wanted, seconds)

    def until_that(self, holds: Callable[[str], bool], what: str, seconds: float) -> str:
        """Wait until the screen satisfies `holds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            text = self.text()
            if holds(text):
                return text
            time.sleep(0.05)  # a terminal tells nobody that it has changed
        raise AssertionError(f"{what!r} never appeared:\n{self.text()}")

    def close(self) -> None:
        """End this server, and with it the program."""
        subprocess.run(["tmux", "-L", self._name, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A worker of its own, on free ports."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    found = Home(tmp_path / "home")
    ensure_worker(found, ["--port", "0", "--proxy-port", "0"])
    yield found
    stop_worker(found)


@pytest.fixture
def terminal(home: Home) -> Iterator[Terminal]:
    """The console in a terminal."""
    found = Terminal(home.path)
    yield found
    found.close()


def test_from_the_first_run_to_a_stored_credential_and_out(home: Home, terminal: Terminal):
    """Set the vault up, store a credential, see another's change, leave; the worker stays."""
    terminal.until("How shall this vault be protected?")
    # No keyring here: the cursor is on the password already.
    terminal.until("Not here: ")
    terminal.keys("Enter")
    terminal.until("master password")
    terminal.type(PASSWORD)
    terminal.keys("Enter")
    terminal.until("Type it once more")
    terminal.type(PASSWORD)
    terminal.keys("Enter")
    terminal.until("● unsealed")
    terminal.until("No requests yet")
    terminal.keys("4")
    terminal.until("No credentials yet")
    terminal.keys("a")
    terminal.until("Add a credential")
    terminal.type("GITHUB_TOKEN")
    terminal.keys("Enter")
    terminal.until("Now its value")
    terminal.type("ghp-not-for-the-screen")
    terminal.keys("Enter")
    terminal.until_that(
        lambda text: ("GITHUB_TOKEN" in text and "no service" in text) or "Unlock" in text,
        "the credential, or the unlock dialog",
        30.0,
    )
    if "Unlock" in terminal.text() and "master password" in terminal.text():
        terminal.type(PASSWORD)
        terminal.keys("Enter")
    terminal.until("no service")
    assert "ghp-not-for-the-screen" not in terminal.text()

    client = SyncClient(Target(socket=home.socket))
    token = client.send(calls.unlock("password", PASSWORD)).token
    other = SyncClient(Target(socket=home.socket, token=token))
    other.send(calls.set_credentials({"FROM_ELSEWHERE": "value"}))
    terminal.until("FROM_ELSEWHERE", seconds=5.0)

    lost = running_status(home)
    assert lost is not None
    os.kill(lost.pid, signal.SIGKILL)
    terminal.until("The vault is sealed")
    terminal.type(PASSWORD)
    terminal.keys("Enter")
    terminal.until("FROM_ELSEWHERE")
    found = running_status(home)
    assert found is not None
    assert found.pid != lost.pid
    assert found.proxy == lost.proxy

    terminal.keys("q")
    text = terminal.until("LEFT-WITH-0")
    assert "Traceback" not in text
    assert running_status(home) is not None
    log = home.path / "console.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "ghp-not-for-the-screen" not in log.read_text()


def test_a_read_only_console_says_so_and_changes_nothing(home: Home):
    """The option reaches the console: no gate, no way to add a credential."""
    terminal = Terminal(home.path, "--read-only")
    try:
        terminal.until("▲ read-only")
        terminal.keys("4")
        terminal.keys("a")
        terminal.until("this console was started with --read-only")
    finally:
        terminal.close()
