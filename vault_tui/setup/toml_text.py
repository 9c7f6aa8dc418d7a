"""TOML edited in place: tomlkit keeps comments, order and layout."""

from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item, Table
from tomlkit.toml_document import TOMLDocument

from vault_tui.setup.documents import ABSENT, Keys, refused


class TomlText:
    """A TOML document."""

    def __init__(self, text: str, where: str) -> None:
        self._where = where
        try:
            self._document: TOMLDocument = tomlkit.parse(text)
        except (TOMLKitError, RecursionError, ValueError):
            raise refused(where, "it is no TOML") from None

    @property
    def text(self) -> str:
        """The file's text as it is now."""
        return tomlkit.dumps(self._document)

    @property
    def is_empty(self) -> bool:
        """Whether there is neither key nor comment."""
        return not self.text.strip()

    def get(self, keys: Keys) -> Any:
        """The value at `keys`, as plain Python values, or ABSENT."""
        found: Any = self._document
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                return ABSENT
            found = found[key]
        return found.unwrap() if hasattr(found, "unwrap") else found

    def set(self, keys: Keys, value: Any) -> None:
        """Put `value` at `keys`. Raises VaultError conflict where a value is no table."""
        table: Any = self._document
        for depth, key in enumerate(keys):
            if not isinstance(table, dict):
                raise refused(self._where, f"{'.'.join(keys[:depth])} in it is no table")
            if key not in table or depth == len(keys) - 1:
                table[key] = _nested(keys[depth + 1 :], value)
                return
            table = table[key]

    def remove(self, keys: Keys) -> None:
        """Take the key away."""
        table: Any = self._document
        for key in keys[:-1]:
            if not isinstance(table, dict) or key not in table:
                return
            table = table[key]
        if isinstance(table, dict) and keys[-1] in table:
            del table[keys[-1]]


def _nested(keys: Keys, value: Any) -> Item:
    """`value` below `keys`; tables that hold tables alone need no header of their own."""
    item: Item = tomlkit.item(value)
    for key in reversed(keys):
        outer = tomlkit.table(is_super_table=isinstance(item, Table))
        outer[key] = item
        item = outer
    return item
