"""One file's text as keys and values, edited in place: comments, order and layout stay.

json   strict JSON            jsonc   JSON with comments and trailing commas
toml   TOML                   env     NAME=value lines
git    git's configuration
"""

from typing import Any, Final, Protocol

from proxy_core.base.errors import VaultError

Keys = tuple[str, ...]


class Absent:
    """The value of a key that is not there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Document(Protocol):
    """What every format can do. Raises VaultError conflict where a key leads through a value."""

    @property
    def text(self) -> str:
        """The file's text as it is now."""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: no key and no comment."""

    def get(self, keys: Keys) -> Any:
        """The value at `keys`, or ABSENT."""

    def set(self, keys: Keys, value: Any) -> None:
        """Put `value` there; what leads to it is made where it is missing."""

    def remove(self, keys: Keys) -> None:
        """Take the key away, if it is there."""


def open_document(kind: str, text: str, where: str) -> Document:
    """Read `text`; `where` names the file in refusals. Raises VaultError conflict when it is not
    what `kind` says: it is then left alone.
    """
    if kind in {"json", "jsonc"}:
        from vault_tui.setup.json_text import JsonText

        return JsonText(text, where, comments=kind == "jsonc")
    if kind == "toml":
        from vault_tui.setup.toml_text import TomlText

        return TomlText(text, where)
    if kind == "env":
        from vault_tui.setup.env_text import EnvText

        return EnvText(text, where)
    from vault_tui.setup.git_text import GitText

    return GitText(text, where)


def refused(where: str, why: str) -> VaultError:
    """A file that can't be merged into."""
    return VaultError(
        "conflict",
        f"{where} was left as it is: {why}.",
        {"help": "Mend or move that file, and run it again."},
    )
