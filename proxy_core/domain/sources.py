"""What an external store holds, as credentials of a vault."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.names import check_credential_key

INTERVAL_SECONDS: Final = (5, 24 * 3600)
MAX_NAMES: Final = 500
MAX_VALUE_BYTES: Final = 64 * 1024
_BETWEEN: Final = re.compile(r"[-. /]+")


class SourceState(StrEnum):
    """How reading a vault's store goes."""

    OK = "ok"
    FAILING = "failing"
    WAITING = "waiting"


def state_of(last_sync_at: float | None, failures: int) -> SourceState:
    """Waiting: it was never read, nor tried."""
    if failures:
        return SourceState.FAILING
    return SourceState.WAITING if last_sync_at is None else SourceState.OK


@dataclass(frozen=True, slots=True)
class Content:
    """Values by credential key, and names that have none here."""

    values: Mapping[str, bytes] = field(repr=False)
    skipped: tuple[str, ...] = ()


def content_of(found: Mapping[str, Any]) -> Content:
    """Names in UPPER_SNAKE_CASE: `api-key` is `API_KEY`.

    Skipped are names that can't be written so, names that would become one, and what is no text.
    Raises VaultError bad_request for more names than a vault takes.
    """
    if len(found) > MAX_NAMES:
        raise VaultError("bad_request", f"The store holds more than {MAX_NAMES} names.")
    by_key: dict[str, list[str]] = {}
    skipped: list[str] = []
    for name, value in found.items():
        key = _key(name)
        if key is None or _bytes(value) is None:
            skipped.append(name)
        else:
            by_key.setdefault(key, []).append(name)
    skipped += [name for names in by_key.values() if len(names) > 1 for name in names]
    values = {key: _bytes(found[names[0]]) for key, names in by_key.items() if len(names) == 1}
    shown = tuple(sorted(display_safe(name, 64) for name in skipped))
    return Content({key: value for key, value in values.items() if value}, shown)


def _key(name: str) -> str | None:
    key = _BETWEEN.sub("_", name).upper()
    try:
        return check_credential_key(key)
    except VaultError:
        return None


def _bytes(value: Any) -> bytes | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        data = value.encode()
    except UnicodeEncodeError:
        return None
    return data if len(data) <= MAX_VALUE_BYTES else None
