"""Between request records and the log's rows."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final

import msgspec

from proxy_core.domain.traffic import RequestRecord

MAX_TEXT: Final = 2_048
"""Characters kept of a text: a path may have 64 KiB, a row of the log should not."""

FIELDS: Final = tuple(
    name for name in RequestRecord.__struct_fields__ if name not in {"id", "vault"}
)
COLUMNS: Final = ("vault_id", *FIELDS)
LISTS: Final = ("credential_keys", "injected_headers")

_fields_of = attrgetter(*FIELDS)
_KINDS: Final = {field.name: field.type for field in msgspec.structs.fields(RequestRecord)}
_texts_of = attrgetter(*(name for name in FIELDS if _KINDS[name] is str))
_lists_of = attrgetter(*LISTS)
_PLACES: Final = tuple(COLUMNS.index(name) for name in LISTS)


def row_of(record: RequestRecord, vault_id: str) -> tuple[Any, ...]:
    """The row to insert, in the order of COLUMNS."""
    lists = [",".join(names) for names in _lists_of(record)]
    # One look at all texts tells that none of them has to be changed: so it is with most records.
    together = "".join((*_texts_of(record), *lists))
    if len(together) > MAX_TEXT or not together.isascii() or "\0" in together:
        return (vault_id, *map(_stored, _fields_of(record)))
    row = [vault_id, *_fields_of(record)]
    for place, names in zip(_PLACES, lists, strict=True):
        row[place] = names
    return tuple(row)


def record_of(row: Mapping[Any, Any], vault: str) -> RequestRecord:
    """The record of a row; `vault` is the name that belongs to its `vault_id`."""
    fields = {name: row[name] for name in FIELDS}
    for name in LISTS:
        fields[name] = tuple(fields[name].split(",")) if fields[name] else ()
    return RequestRecord(**fields, vault=vault, id=row["id"])


def _stored(value: Any) -> Any:
    if type(value) is str:
        return _text(value)
    if type(value) is tuple:
        return _text(",".join(value))
    return value


def _text(value: str) -> str:
    """Take out what PostgreSQL refuses (NUL, lone surrogates) and cut what is too long."""
    if len(value) > MAX_TEXT:
        value = value[: MAX_TEXT - 1] + "…"
    if value.isascii():
        return value.replace("\0", "\ufffd")
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
