"""JSON, with or without comments, read with the place of everything in the text.

Strict otherwise: one object, no key twice, no more than 100 levels.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_STRICT_SPACE = re.compile(r"[ \t\r\n]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.ASCII)
_DEEPEST = 100


class Malformed(Exception):
    """The text is not what it should be; says where, in lines, and quotes nothing."""


@dataclass(slots=True)
class Node:
    """A value at `text[start:end]`. Of an object `members` is set, else `value`."""

    start: int
    end: int = 0
    value: Any = None
    members: "dict[str, Member] | None" = None

    def plain(self) -> Any:
        """The value as Python has it."""
        if self.members is None:
            return self.value
        return {name: member.node.plain() for name, member in self.members.items()}


@dataclass(slots=True)
class Member:
    """A member whose key begins at `start`; `comma` is where the comma behind it stands, or -1."""

    start: int
    node: Node
    comma: int = -1


@dataclass(slots=True)
class Reader:
    """Reads one text; `at` is how far it has come."""

    text: str
    comments: bool
    at: int = 0
    depth: int = field(default=0)

    def read(self) -> Node:
        """The object that the whole text is. Raises Malformed."""
        self._skip()
        if self._next() != "{":
            raise self._wrong("it is no object")
        node = self._object()
        self._skip()
        if self.at != len(self.text):
            raise self._wrong("something follows its end")
        return node

    def _value(self) -> Node:
        start = self.at
        first = self._next()
        if first == "{":
            return self._object()
        if first == "[":
            return self._array()
        found = (_STRING if first == '"' else _PLAIN).match(self.text, start)
        if found is None:
            raise self._wrong("no value where one should be")
        self.at = found.end()
        try:
            value = json.loads(found[0])
        except ValueError:  # a number with more digits than Python takes
            raise self._wrong("a number that can't be read") from None
        return Node(start, self.at, value)

    def _object(self) -> Node:
        node = Node(self.at, members={})
        assert node.members is not None
        self._enter()
        while self._next() != "}":
            start = self.at
            found = _STRING.match(self.text, start)
            if found is None:
                raise self._wrong("no key where one should be")
            name = json.loads(found[0])
            if name in node.members:
                raise self._wrong("a key that stands there twice")
            self.at = found.end()
            self._skip()
            self._take(":")
            self._skip()
            member = node.members[name] = Member(start, self._value())
            member.comma = self._separator("}")
        self._leave()
        node.end = self.at
        return node

    def _array(self) -> Node:
        node = Node(self.at, value=[])
        self._enter()
        while self._next() != "]":
            node.value.append(self._value().plain())
            self._separator("]")
        self._leave()
        node.end = self.at
        return node

    def _separator(self, closing: str) -> int:
        """Past what stands between two values; where the comma is, or -1 before the end."""
        self._skip()
        if self._next() == closing:
            return -1
        comma = self.at
        self._take(",")
        self._skip()
        if self._next() == closing and not self.comments:
            raise self._wrong("a comma too many")
        return comma

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._wrong("it is nested too deeply")
        self.at += 1
        self._skip()

    def _leave(self) -> None:
        self.depth -= 1
        self.at += 1

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise self._wrong(f"no {character} where one should be")
        self.at += 1

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip(self) -> None:
        found = (_SPACE if self.comments else _STRICT_SPACE).match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _wrong(self, what: str) -> Malformed:
        line = self.text.count("\n", 0, self.at) + 1
        return Malformed(f"it is no JSON, line {line}: {what}")
