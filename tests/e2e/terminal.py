"""The real console on a pseudo-terminal whose other end the test reads, or stops reading."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

from tests.e2e.program import VAULT_TUI, Program

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])")
_KEPT = 1 << 20


class Terminal:
    """One console. A thread reads what it draws, as long as `reading` is set."""

    def __init__(self, program: Program, *options: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self.console = subprocess.Popen(
            [VAULT_TUI, *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=program.environment | {"TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.reading = threading.Event()
        self.reading.set()
        self._drawn = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while self.reading.wait():
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the console has left
                return
            self._drawn = (self._drawn + data)[-_KEPT:]

    @property
    def unread(self) -> int:
        """Bytes that the console has drawn and nobody has read."""
        return int.from_bytes(fcntl.ioctl(self._master, termios.FIONREAD, bytes(4)), "little")

    def shows(self, text: str, seconds: float = 60.0) -> bool:
        """Whether this text is drawn in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if text.encode() in _ESCAPES.sub(b"", self._drawn):
                return True
            time.sleep(0.05)  # a terminal tells nobody that it was drawn on
        print(_ESCAPES.sub(b" ", self._drawn)[-4000:].decode("utf-8", "replace"))
        return False

    def press(self, keys: str) -> None:
        """Type these characters."""
        os.write(self._master, keys.encode())

    def end(self, number: int = signal.SIGKILL) -> int:
        """Send the console a signal and wait for its end."""
        self.reading.set()
        self.console.send_signal(number)
        self.console.send_signal(signal.SIGCONT)
        return self.console.wait(60)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *failure: object) -> None:
        if self.console.poll() is None:
            self.end()
        os.close(self._master)
