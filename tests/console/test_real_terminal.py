"""The real program, in a real terminal (tmux), over a real worker."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.launcher import ensure_worker, running_status, stop_worker
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from tests import tmux
from tests.ports import reserved_port
from tests.tmux import Terminal

PASSWORD = "a long pass phrase of this test"

if tmux.MISSING:
    pytest.skip("tmux is missing: the real terminal was NOT tested", allow_module_level=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A worker of its own, on ports that the next one of this home finds free again."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    found = Home(tmp_path / "home")
    with reserved_port() as port, reserved_port() as proxy_port:
        ensure_worker(found, ["--port", str(port), "--proxy-port", str(proxy_port)])
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
    terminal.until("FROM_ELSEWHERE")

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
