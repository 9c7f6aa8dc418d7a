"""What a row's change has made of its values, as far as they may be shown."""

from collections.abc import Mapping
from typing import Any, Final

from proxy_core.store.audited import AUDITED, RowChange

CHANGED: Final = "changed"
"""Stands for a secret's new value."""

_Row = Mapping[str, Any]


def shown(change: RowChange) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after: all of a row that came or went, and only what differs of one that stayed.

    Of a document, its fields count one by one.
    """
    columns = AUDITED[change.table].shown
    before = {name: value for name, value in (change.before or {}).items() if name in columns}
    after = {name: value for name, value in (change.after or {}).items() if name in columns}
    before, after = _flat(before), _flat(after)
    if change.before is not None and change.after is not None:
        same = {name for name in before.keys() & after.keys() if before[name] == after[name]}
        before = {name: value for name, value in before.items() if name not in same}
        after = {name: value for name, value in after.items() if name not in same}
        if change.table == "pool_member" or not change.changed & columns:
            after |= _renamed(change)
    after |= dict.fromkeys(change.secrets, CHANGED)
    if change.table == "credential" and "current_version" in after:
        after["value"] = CHANGED
    return _told(before), _told(after)


def _renamed(change: RowChange) -> dict[str, str]:
    """Ids say nothing to people, so only that another was chosen."""
    named = change.changed & AUDITED[change.table].named
    return {name.removesuffix("_id"): CHANGED for name in named}


def _flat(values: _Row) -> dict[str, Any]:
    document = values.get("document")
    if not isinstance(document, Mapping):
        return dict(values)
    rest = {name: value for name, value in values.items() if name != "document"}
    return {**rest, **document}


def _told(values: _Row) -> dict[str, Any]:
    """Without what says nothing."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
