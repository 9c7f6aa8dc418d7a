"""`NAME=value` lines, as dotenv readers take them."""

import re
from typing import Any

from vault_tui.setup.documents import ABSENT, Keys, refused

_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*)")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@,%+=\-\[\]]*")


class EnvText:
    """One variable a line; the last of a name counts, as it does for those who read it."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        if "\0" in text:
            raise refused(where, "it holds a NUL")
        self._lines = text.splitlines(keepends=True)

    @property
    def text(self) -> str:
        """The file's text as it is now."""
        return "".join(self._lines)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not self.text.strip()

    def get(self, keys: Keys) -> Any:
        """The variable's value without its quotes, or ABSENT."""
        places = self._places(keys[0])
        if not places:
            return ABSENT
        found = _LINE.match(self._lines[places[-1]].rstrip("\r\n"))
        assert found is not None
        value = found[2].strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            return value[1:-1]
        return value

    def set(self, keys: Keys, value: Any) -> None:
        """Put the variable where it stands, or at the end. Raises VaultError conflict."""
        line = f"{keys[0]}={self._quoted(str(value))}\n"
        if places := self._places(keys[0]):
            self._lines[places[-1]] = line
            return
        if self._lines and not self._lines[-1].endswith("\n"):
            self._lines[-1] += "\n"
        self._lines.append(line)

    def remove(self, keys: Keys) -> None:
        """Take every line of the variable away."""
        for place in reversed(self._places(keys[0])):
            del self._lines[place]

    def _places(self, name: str) -> list[int]:
        matches = ((place, _LINE.match(line)) for place, line in enumerate(self._lines))
        return [place for place, found in matches if found and found[1] == name]

    def _quoted(self, value: str) -> str:
        if _PLAIN.fullmatch(value):
            return value
        if "'" in value or "\n" in value:
            raise refused(self._where, "a value can't be written into it")
        return f"'{value}'"
