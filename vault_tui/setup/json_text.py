"""JSON edited as text: what is not edited keeps its bytes, comments and all."""

import json
import re
from typing import Any

from vault_tui.setup.documents import ABSENT, Keys, refused
from vault_tui.setup.json_reader import Malformed, Node, Reader

_MARK = "\ufeff"


class JsonText:
    """`comments` allows them, and trailing commas. An empty text is an empty object."""

    def __init__(self, text: str, where: str, *, comments: bool = False) -> None:
        self._where = where
        self._comments = comments
        self._mark = _MARK if text.startswith(_MARK) else ""
        self._text = text.removeprefix(_MARK)
        self._was_blank = not self._text.strip()
        if self._was_blank:
            self._text = "{}\n"
        self._newline = "\r\n" if "\r\n" in self._text else "\n"
        self._root = self._read()
        members = list((self._root.members or {}).values())
        self._unit = (self._indent_at(members[0].start) if members else "") or "  "

    @property
    def text(self) -> str:
        """The file's text as it is now."""
        return self._mark + self._text

    @property
    def is_empty(self) -> bool:
        """Whether nothing but an empty object is left."""
        return re.sub(r"\s", "", self._text) == "{}"

    def get(self, keys: Keys) -> Any:
        """The value at `keys`, or ABSENT."""
        node: Node | None = self._root
        for key in keys:
            if node is None or node.members is None:
                return ABSENT
            member = node.members.get(key)
            node = member.node if member else None
        return ABSENT if node is None else node.plain()

    def set(self, keys: Keys, value: Any) -> None:
        """Put `value` at `keys`. Raises VaultError conflict where a value is no object."""
        node = self._root
        for depth, key in enumerate(keys):
            if node.members is None:
                raise refused(self._where, f"{'.'.join(keys[:depth])} in it is no object")
            member = node.members.get(key)
            if member is None:
                for missing in reversed(keys[depth + 1 :]):
                    value = {missing: value}
                self._insert(node, key, value)
                return
            node = member.node
        level = self._indent_at(node.start)
        self._splice(node.start, node.end, self._rendered(value, level))

    def remove(self, keys: Keys) -> None:
        """Take the member away, with the comma that belongs to it."""
        node = self._root
        for key in keys[:-1]:
            if node.members is None or key not in node.members:
                return
            node = node.members[key].node
        if node.members and keys[-1] in node.members:
            self._drop(node, keys[-1])

    # --- text ---------------------------------------------------------------------------------

    def _read(self) -> Node:
        try:
            return Reader(self._text, self._comments).read()
        except Malformed as error:
            raise refused(self._where, str(error)) from None

    def _splice(self, start: int, end: int, new: str) -> None:
        self._text = self._text[:start] + new + self._text[end:]
        self._root = self._read()

    def _insert(self, node: Node, key: str, value: Any) -> None:
        """Behind the last member, in the layout of the others."""
        members = list((node.members or {}).values())
        inside = self._text[node.start + 1 : node.end - 1]
        content_end = node.start + 1 + len(inside.rstrip())
        outer = self._indent_at(node.start)
        one_line = bool(members) and "\n" not in inside
        closing = self._text[content_end : node.end - 1]
        if one_line:
            new = f" {_dumps(key)}: {_dumps(value)}"
        else:
            level = self._indent_at(members[0].start) if members else outer + self._unit
            new = f"{self._newline}{level}{_dumps(key)}: {self._rendered(value, level)}"
            if not inside.strip() or "\n" not in closing:
                closing = self._newline + outer
        trailing = bool(members) and members[-1].comma >= 0
        new += "," if trailing else ""
        text = self._text[:content_end] + new + closing + self._text[node.end - 1 :]
        if members and not trailing:
            after = members[-1].node.end
            text = text[:after] + "," + text[after:]
        self._text = text
        self._root = self._read()

    def _drop(self, node: Node, key: str) -> None:
        assert node.members is not None
        names = list(node.members)
        place = names.index(key)
        member = node.members[key]
        if place + 1 < len(names):
            self._splice(member.start, node.members[names[place + 1]].start, "")
            return
        before = len(self._text[: member.start].rstrip())
        end = member.comma + 1 if member.comma >= 0 else member.node.end
        text = self._text[:before] + self._text[end:]
        if place and member.comma < 0:
            comma = node.members[names[place - 1]].comma
            text = text[:comma] + text[comma + 1 :]
        elif not place and not text[node.start + 1 : node.end - 1 - (end - before)].strip():
            text = text[: node.start + 1] + text[node.end - 1 - (end - before) :]
        self._text = text
        self._root = self._read()

    def _indent_at(self, place: int) -> str:
        line = self._text[self._text.rfind("\n", 0, place) + 1 : place]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _rendered(self, value: Any, level: str) -> str:
        lines = _dumps(value, self._unit).split("\n")
        return f"{self._newline}{level}".join(lines)


def _dumps(value: Any, indent: str | None = None) -> str:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value, indent=indent)
    return text
