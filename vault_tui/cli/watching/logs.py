"""`vault-tui logs`: the request log, a page of it or live."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import click
import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.events import EventType
from proxy_core.domain.filters import Filter, FilterError, parse_filter
from proxy_core.domain.traffic import RequestRecord
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option

_PAGE = 200
_DECISION_COLOURS = {"denied": "red", "failed": "red", "unmatched": "yellow"}


@click.command(cls=Command)
@click.option("--follow", "-f", is_flag=True, help="Then show new requests as they end.")
@click.option("--filter", "expression", default="", metavar="EXPR", help="As in the console.")
@click.option("--limit", "-n", type=click.IntRange(0), default=50, help="Rows from the log.")
@vault_option
@json_option
@pass_connection
def logs(
    connection: Connection,
    follow: bool,
    expression: str,
    limit: int,
    vault: str | None,
    as_json: bool,
) -> None:
    """Show the newest requests, oldest first. --json prints one object a line.

    A filter: 'method:POST host:*.github.com status:>=400 agent:ci not path:/health'.
    """
    passes = _filter(expression)
    name = connection.vault(vault)
    live = _live(connection, name, passes) if follow else iter(())
    # The stream is opened before the page is read: what ends in between is shown once, not lost.
    next(live, None)
    page = _newest(connection, name, expression, limit)
    shown = {record.request_id for record in page}
    for record in page:
        _show(record, as_json)
    if not page:
        say(f"No requests in vault {name} yet." if not expression else "No requests match.")
    for found in live:
        if found is not None and found.request_id not in shown:
            _show(found, as_json)


def _filter(expression: str) -> Filter:
    try:
        return parse_filter(expression)
    except FilterError as error:
        raise VaultError(
            "bad_request",
            f"The filter is wrong at column {error.column + 1}: {error.message}",
            {"help": "For example: method:POST status:>=400 host:*.github.com"},
        ) from None


def _newest(connection: Connection, vault: str, expression: str, limit: int) -> list[RequestRecord]:
    """Up to `limit` records, oldest first, page by page."""
    found: list[RequestRecord] = []
    before = ""
    while len(found) < limit:
        size = min(_PAGE, limit - len(found))
        call = calls.logs(vault, q=expression, before=before, limit=size)
        page = connection.send(call)
        found += page.logs
        if not page.next_cursor:
            break
        before = page.next_cursor
    return found[::-1]


def _live(connection: Connection, vault: str, passes: Filter) -> Iterator[RequestRecord | None]:
    """None once connected, then records as they end, without end."""
    from proxy_core.client.stream import Connected, Disconnected, Lost
    from vault_tui.cli.watching.following import follow

    for note in follow(connection.client, [EventType.REQUEST_FINISHED]):
        if isinstance(note, Connected):
            yield None
        elif isinstance(note, Lost):
            say(f"{note.count or 'Some'} requests were missed; the log has them.")
        elif isinstance(note, Disconnected):
            say(f"{note.reason} Waiting for the worker…")
        else:
            record = msgspec.convert(note.data, RequestRecord)
            if record.vault == vault and passes.matches(record):
                yield record


def _show(record: RequestRecord, as_json: bool) -> None:
    if as_json:
        output.emit_json_line(record)
        return
    output.emit(_line(record))


def _line(record: RequestRecord) -> str:
    at = datetime.fromtimestamp(record.started_at, UTC).strftime("%H:%M:%S")
    outcome = record.error_code or record.matched_service or record.decision
    words: Iterable[str] = (
        at,
        f"{record.status or '---'}",
        f"{record.latency_ms:6.0f}ms",
        output.safe(record.actor_name)[:16].ljust(12),
        output.safe(outcome)[:20].ljust(14),
        record.method and output.safe(record.method).ljust(5),
        output.safe(record.host + record.path),
    )
    return output.styled(" ".join(words), _DECISION_COLOURS.get(record.decision, ""))
