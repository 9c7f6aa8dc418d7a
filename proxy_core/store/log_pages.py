"""Reading the request log by cursor: the first page costs the same however long the log is."""

from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from proxy_core.domain.traffic import RequestRecord

PAGE_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What to read: `before` an id (older) or `after` one (newer), else the newest.

    `vault` None reads every vault. `status_bucket` is `2xx`…`5xx`, or `none` for no answer;
    `agent` is the actor's name. `filter` is a parsed filter of `domain.filters`.
    """

    vault: str | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 50
    status_bucket: str | None = None
    service: str | None = None
    agent: str | None = None
    filter: Any = None


@dataclass(frozen=True, slots=True)
class LogRows:
    """Newest first. `next_cursor`: pass it on the same way (`before` or `after`) for more rows.

    A filtered page may be short and still have a cursor: one page looks at a bounded number of
    rows. `latest_id` is the newest row number, 0 without rows.
    """

    rows: tuple[RequestRecord, ...]
    next_cursor: int | None
    latest_id: int


def log_page(session: Session, query: LogQuery) -> LogRows:
    """Read a page. Raises VaultError: bad_request for a limit or bucket that does not exist."""
    raise NotImplementedError


def latest_id(session: Session, vault: str | None = None) -> int:
    """The newest row number, 0 without rows."""
    raise NotImplementedError
