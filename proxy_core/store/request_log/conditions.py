"""The filter language in SQL: the same tree that the domain matches in memory.

SQLite folds the case of ASCII alone; what a request log holds (hosts, paths, tokens) is ASCII.
"""

import operator
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, select, true
from sqlmodel import SQLModel

from proxy_core.domain.filter_fields import Comparison, Flag, NumberField, TextField
from proxy_core.domain.filter_terms import (
    And,
    AnywhereTerm,
    Everything,
    FlagTerm,
    Node,
    NoneTerm,
    Not,
    NumberTerm,
    Or,
    StatusClass,
    TextTerm,
)
from proxy_core.store import tables

Condition = ColumnElement[bool]

_ESCAPE: Final = "\\"
_log = SQLModel.metadata.tables[str(tables.RequestLogRow.__tablename__)]
_COMPARE: Final[Mapping[Comparison, Callable[[Any, Any], Condition]]] = {
    Comparison.AT_LEAST: operator.ge,
    Comparison.AT_MOST: operator.le,
    Comparison.ABOVE: operator.gt,
    Comparison.BELOW: operator.lt,
    Comparison.EQUAL: operator.eq,
}


def condition_of(node: Node, dialect: str) -> Condition:
    """The condition on `request_log` that the tree stands for; `dialect` is the database's."""
    return _condition(node, dialect)


@singledispatch
def _condition(node: object, dialect: str) -> Condition:  # noqa: ARG001 - the registered ones use it
    raise TypeError(f"no SQL for {type(node).__name__}")


@_condition.register
def _(_node: Everything, _dialect: str) -> Condition:
    return true()


@_condition.register
def _(node: And, dialect: str) -> Condition:
    return and_(*(condition_of(part, dialect) for part in node.parts))


@_condition.register
def _(node: Or, dialect: str) -> Condition:
    return or_(*(condition_of(part, dialect) for part in node.parts))


@_condition.register
def _(node: Not, dialect: str) -> Condition:
    return not_(condition_of(node.part, dialect))


@_condition.register
def _(node: TextTerm, dialect: str) -> Condition:
    if node.field is TextField.CRED:
        return _any_key(node.glob, dialect)
    return _like(_log.c[node.field.column], node.glob)


@_condition.register
def _(node: NoneTerm, _dialect: str) -> Condition:
    return _log.c[node.field.column] == ""


@_condition.register
def _(node: AnywhereTerm, _dialect: str) -> Condition:
    return _like(_log.c.host + _log.c.path, node.glob)


@_condition.register
def _(node: NumberTerm, _dialect: str) -> Condition:
    latency = node.field is NumberField.LATENCY
    column = _log.c.latency_ms if latency else _log.c.status
    fits = _COMPARE[node.comparison](column, node.value)
    if latency:
        return and_(column >= 0, fits)
    return fits if node.is_no_answer else and_(column > 0, fits)


@_condition.register
def _(node: StatusClass, _dialect: str) -> Condition:
    first = node.hundred * 100
    return _log.c.status.between(first, first + 99)


@_condition.register
def _(node: FlagTerm, _dialect: str) -> Condition:
    if node.flag is Flag.STREAM:
        return _log.c.streaming.is_(True)
    if node.flag is Flag.WEBSOCKET:
        return _log.c.websocket.is_(True)
    if node.flag is Flag.HELD:
        return _log.c.held_ms >= 0
    if node.flag is Flag.REPLAYED:
        return _log.c.retries > 0
    return _log.c.decision == str(node.flag)


def _like(text: ColumnElement[str], glob: str) -> Condition:
    pattern = glob
    for special in (_ESCAPE, "%", "_"):
        pattern = pattern.replace(special, _ESCAPE + special)
    return func.lower(text).like(pattern.replace("*", "%"), escape=_ESCAPE)


def _any_key(glob: str, dialect: str) -> Condition:
    """Whether one of the keys fits; a star must not reach from one key into the next."""
    keys = _log.c.credential_keys
    if dialect == "sqlite":
        # Keys are UPPER_SNAKE_CASE: nothing in them needs escaping in JSON.
        as_json = literal('["').concat(func.replace(keys, ",", '","')).concat('"]')
        each = func.json_each(as_json).table_valued("value")
        found = select(literal(1)).select_from(each).where(_like(each.c.value, glob))
    else:
        key = func.unnest(func.string_to_array(keys, ",")).column_valued("key")
        found = select(literal(1)).where(_like(key, glob))
    return and_(keys != "", found.correlate(_log).exists())
