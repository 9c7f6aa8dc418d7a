"""What the request log tells of Claude Code's hosts, and of programs in search of credentials."""

from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile

from proxy_core.domain.doctor.facts import Symptom
from proxy_core.domain.wire import LogEntry

_RECENT_SECONDS = 3600.0
_ANTHROPIC = ("api.anthropic.com", "platform.claude.com")
_METADATA = ("169.254.169.254", "metadata.google.internal")
_TELLING = frozenset({401, 403})
ASKED = " or ".join(f"host:{host}" for host in (*_ANTHROPIC, *_METADATA))
"""The filter expression that finds these hosts' rows."""
# Our own requests: `through_proxy.py`.
_OWN = frozenset({("HEAD", "/api/hello")})


def symptoms_of(rows: Iterable[LogEntry], now: float) -> Iterator[Symptom]:
    """For each host whose newest request was refused within the last hour: how often in a row.

    `rows` are the newest first; `now` in epoch seconds.
    """
    recent = [row for row in rows if now - row.started_at < _RECENT_SECONDS and not _is_own(row)]
    by_host = sorted(recent, key=lambda row: row.host)
    for host, found in groupby(by_host, key=lambda row: row.host):
        newest, *older = found
        if newest.status in _TELLING or host in _METADATA:
            same = takewhile(lambda row: row.status == newest.status, older)  # noqa: B023 - used up here
            yield Symptom(host, newest.status, newest.error_code, 1 + sum(1 for _ in same))


def _is_own(row: LogEntry) -> bool:
    return row.method == "TRACE" or (row.method, row.path) in _OWN
