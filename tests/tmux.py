"""Real programs in a real terminal: tmux, which can be asked what it shows."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

MISSING = shutil.which("tmux") is None and not os.environ.get("CI")
"""In CI it must be there."""


class Screen:
    """One tmux server of its own, with one window of 100 by 30, in which a command runs."""

    def __init__(self, command: str, environment: Mapping[str, str], directory: Path) -> None:
        self._name = f"vault-tui-test-{uuid.uuid4().hex}"
        settings = [part for k, v in environment.items() for part in ("-e", f"{k}={v}")]
        program = f"{command}; echo LEFT-WITH-$?; exec cat"
        window = ("-d", "-x", "100", "-y", "30", "-c", str(directory))
        self._tmux("new-session", *window, *settings, program)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._name, "-f", "/dev/null", *words],
            check=True, capture_output=True, text=True, timeout=60,
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

    def until(self, wanted: str, seconds: float = 60.0) -> str:
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


class Terminal(Screen):
    """The console."""

    def __init__(self, home: Path, *options: str) -> None:
        # Nobody's keyring: the first run must work on a bare server.
        environment = {
            "VAULT_TUI_HOME": str(home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "TERM": "xterm-256color",
        }
        command = " ".join((sys.executable, "-m", "vault_tui", *options))
        super().__init__(command, environment, Path.cwd())
