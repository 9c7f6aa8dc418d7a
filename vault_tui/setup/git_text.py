"""git's configuration, edited by git itself in a file of its own.

Values may hold a token, and a command line can be seen by others: git is given a mark in the
value's place, which is then replaced in the text.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from proxy_core.base.errors import VaultError
from vault_tui.setup.documents import ABSENT, Keys, refused

_MARK = "vault-tui-value"
_SECONDS = 10
_UNKNOWN_KEY, _NOT_THERE = 1, 5


class GitText:
    """Keys are section, subsection and name: `("http", "https://x/", "proxy")`."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        self._text = text
        program = shutil.which("git")
        if program is None:
            raise VaultError("not_found", "git is not installed.")
        self._program = program
        self._git("--list")

    @property
    def text(self) -> str:
        """The file's text as it is now."""
        return self._text

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self._text.strip()

    def get(self, keys: Keys) -> Any:
        """The value, or ABSENT. Raises VaultError conflict for a key with several."""
        shown, _ = self._git("--null", "--get-all", ".".join(keys))
        values = shown.split("\0")[:-1]
        if len(values) > 1:
            raise refused(self._where, f"{'.'.join(keys)} stands there more than once")
        return values[0] if values else ABSENT

    def set(self, keys: Keys, value: Any) -> None:
        """Put the value there."""
        text = str(value)
        if _MARK in self._text or any(ord(character) < 32 for character in text):
            raise refused(self._where, "a value can't be written into it")
        self.get(keys)
        _, edited = self._git("--replace-all", ".".join(keys), _MARK)
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self._text = edited.replace(_MARK, f'"{quoted}"')

    def remove(self, keys: Keys) -> None:
        """Take the key away; git drops a section that is empty then."""
        _, self._text = self._git("--unset-all", ".".join(keys))

    def _git(self, *arguments: str) -> tuple[str, str]:
        """What git says, and the text after it."""
        with tempfile.TemporaryDirectory(prefix="vault-tui-") as directory:
            path = Path(directory) / "config"
            path.write_bytes(self._text.encode())
            done = subprocess.run(  # noqa: S603 - git by its path, keys of our own, no shell
                [self._program, "config", "--file", str(path), "--no-includes", *arguments],
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                cwd=directory,
            )
            if done.returncode not in (0, _UNKNOWN_KEY, _NOT_THERE):
                raise refused(self._where, "git can't read it")
            return done.stdout.decode("utf-8", "replace"), path.read_bytes().decode()
