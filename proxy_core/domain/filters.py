"""The filter language over request records, shared by the console, the log and the API.

    filter     = [ any ]
    any        = all { "or" all }
    all        = one { [ "and" ] one }
    one        = "not" one | "(" any ")" | field ":" value | word
    value,word = bare text | "quoted text with \\" and \\\\"

Fields: method host path agent service cred account code (text, `*` stands for anything, `none` for
nothing), status (404, 4xx, >=400), latency (>2s, <=250ms), is (a flag). A bare word is searched in
host and path. The fields are in `filter_fields`, the tree in `filter_terms`.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

from proxy_core.base.text import display_safe
from proxy_core.domain.filter_fields import NULLABLE, Comparison, Flag, NumberField, TextField
from proxy_core.domain.filter_terms import (
    KEYWORDS,
    NONE,
    And,
    AnywhereTerm,
    Everything,
    Filter,
    FlagTerm,
    Node,
    NoneTerm,
    Not,
    NumberTerm,
    Or,
    StatusClass,
    TextTerm,
)

__all__ = ["Filter", "FilterError", "Node", "parse_filter"]

MAX_LENGTH = 1000
MAX_DEPTH = 32

_TOKEN = re.compile(
    r"""(?P<paren>[()])
      | (?:(?P<field>[A-Za-z_]+):)?
        (?: "(?P<quoted>(?:[^"\\]|\\.)*)" (?=[\s()]|\Z) | (?P<bare>[^\s()"\\]+) (?=[\s()]|\Z) )""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"(>=|<=|>|<|=)?([0-9]{1,9}(?:\.[0-9]{1,6})?)([a-z]*)", re.ASCII)
_STATUS_CLASS = re.compile(r"([1-5])xx", re.ASCII)
_MILLISECONDS = {"": 1.0, "ms": 1.0, "s": 1_000.0, "m": 60_000.0}
_FIELDS = (*TextField, *NumberField, "is")


class FilterError(ValueError):
    """`message` says what is wrong, `column` (from 0) where."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column + 1})")
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is a parenthesis, a keyword, `term` or `end`; `value_column` is where the value is."""

    kind: str
    column: int
    field: str = ""
    value: str = ""
    quoted: bool = False
    value_column: int = 0


def parse_filter(text: str) -> Node:
    """The filter that `text` describes; an empty text passes everything. Raises FilterError."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"filter is longer than {MAX_LENGTH} characters", MAX_LENGTH)
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = _end_of(_SPACE.match(text, 0))
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            _fail_token(text, position)
        tokens.append(_token(found))
        position = _end_of(_SPACE.match(text, found.end()))
    tokens.append(_Token("end", len(text)))
    return tokens


def _end_of(found: re.Match[str] | None) -> int:
    assert found is not None  # the pattern matches the empty text
    return found.end()


def _fail_token(text: str, position: int) -> NoReturn:
    quote = text.find('"', position)
    if quote >= 0 and text.count('"', position) - text.count('\\"', position) == 1:
        raise FilterError("the quotation mark has no partner", quote)
    raise FilterError('put text with spaces, quotes or backslashes in "…"', position)


def _token(found: re.Match[str]) -> _Token:
    column = found.start()
    if found["paren"]:
        return _Token(found["paren"], column)
    quoted = found["quoted"] is not None
    value = re.sub(r"\\(.)", r"\1", found["quoted"], flags=re.DOTALL) if quoted else found["bare"]
    field = (found["field"] or "").lower()
    if not field and not quoted and value.rstrip(":").lower() in _FIELDS and value.endswith(":"):
        raise FilterError("a value must follow the colon", found.end())
    if not field and not quoted and value.lower() in KEYWORDS:
        return _Token(value.lower(), column)
    value_column = found.start("quoted" if quoted else "bare")
    return _Token("term", column, field, value, quoted, value_column)


class _Parser:
    """Recursive descent over the tokens; `depth` bounds the recursion, here and in matching."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position]

    def _take(self) -> _Token:
        token = self._next
        self._position += 1
        return token

    def whole(self) -> Node:
        if self._next.kind == "end":
            return Everything()
        node = self._any()
        if self._next.kind != "end":
            raise FilterError("this closing parenthesis has no partner", self._next.column)
        return node

    def _any(self) -> Node:
        parts = [self._all()]
        while self._next.kind == "or":
            self._take()
            parts.append(self._all())
        flat = [item for part in parts for item in (part.parts if isinstance(part, Or) else [part])]
        return Or(tuple(flat)) if len(flat) > 1 else flat[0]

    def _all(self) -> Node:
        parts = [self._one()]
        while self._next.kind in ("and", "not", "(", "term"):
            if self._next.kind == "and":
                self._take()
            parts.append(self._one())
        flat = [
            item for part in parts for item in (part.parts if isinstance(part, And) else [part])
        ]
        return And(tuple(flat)) if len(flat) > 1 else flat[0]

    def _one(self) -> Node:
        token = self._take()
        if token.kind == "term":
            return _term(token)
        if token.kind not in ("not", "("):
            raise FilterError("a condition is missing here", token.column)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FilterError(f"nested more than {MAX_DEPTH} deep", token.column)
        node = Not(self._one()) if token.kind == "not" else self._group(token)
        self._depth -= 1
        return node

    def _group(self, opening: _Token) -> Node:
        node = self._any()
        if self._next.kind != ")":
            raise FilterError("this parenthesis is never closed", opening.column)
        self._take()
        return node


def _term(token: _Token) -> Node:
    if not token.field:
        return AnywhereTerm(token.value.lower())
    if token.field == "is":
        return _flag(token)
    if token.field == NumberField.STATUS:
        return _status(token)
    if token.field == NumberField.LATENCY:
        return NumberTerm(NumberField.LATENCY, *_number(token, _MILLISECONDS))
    try:
        field = TextField(token.field)
    except ValueError:
        raise FilterError(
            f"unknown field {token.field}; fields are {', '.join(_FIELDS)} "
            "(put the word in quotes to search for it)",
            token.column,
        ) from None
    value = token.value.lower()
    if not value:
        raise FilterError("the value is empty", token.value_column)
    if value == NONE and field in NULLABLE and not token.quoted:
        return NoneTerm(field)
    return TextTerm(field, value)


def _flag(token: _Token) -> Node:
    value = token.value.lower()
    try:
        return FlagTerm(Flag(value))
    except ValueError:
        raise FilterError(
            f"is: knows {', '.join(Flag)}, not {display_safe(value, 40)}", token.value_column
        ) from None


def _status(token: _Token) -> Node:
    if found := _STATUS_CLASS.fullmatch(token.value.lower()):
        return StatusClass(int(found[1]))
    return NumberTerm(NumberField.STATUS, *_number(token, {"": 1.0}))


def _number(token: _Token, units: dict[str, float]) -> tuple[Comparison, float]:
    found = _NUMBER.fullmatch(token.value.lower())
    if found is None or found[3] not in units:
        example = "404, 4xx or >=400" if len(units) == 1 else ">2s or <=250ms"
        raise FilterError(f"{token.field} takes a number such as {example}", token.value_column)
    return Comparison(found[1] or "="), float(found[2]) * units[found[3]]
