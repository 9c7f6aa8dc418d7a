"""Everything that is known of one request, in words."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from proxy_core.base.errors import ERRORS
from proxy_core.base.text import display_safe
from proxy_core.domain.traffic import RequestRecord
from vault_tui import strings
from vault_tui.traffic.reading import clock, duration, size, status_text, status_tone, url, verdict
from vault_tui.traffic.ring import Row
from vault_tui.widgets.words import plain

_LABEL = 12
_BAR = 24


def field(label: str, value: Content | str, style: str = "") -> Content:
    """One line: label, then value."""
    shown = plain(value, style) if isinstance(value, str) else value
    return Content.assemble((f"{label:<{_LABEL}}", "$muted"), shown)


def heading(text: str) -> Content:
    """A section's title."""
    return Content.styled(text, "$accent bold")


def describe(row: Row | None) -> Content:
    """The detail pane's text."""
    if row is None:
        return Content.styled(strings.DETAIL_NONE, "$muted")
    record, found = row.record, verdict(row)
    lines = [
        Content.assemble(
            (f"{display_safe(record.method, 16)} ", "bold"), plain(url(record), "bold")
        ),
        Content.assemble(
            (f"{found.glyph} ", f"${found.tone}"),
            (strings.OUTCOMES.get(record.decision, strings.UNDER_WAY), f"${found.tone}"),
            ("   ", ""),
            (status_text(row), f"${status_tone(row)} bold"),
        ),
        Content(""),
        *_decision(record),
        Content(""),
        *_timings(record),
        Content(""),
        *_bytes(record),
    ]
    if record.error_code:
        lines += [Content(""), *_error(record)]
    return Content("\n").join(lines)


def _decision(record: RequestRecord) -> list[Content]:
    lines = [
        heading(strings.DETAIL_DECISION),
        field(strings.SERVICE, record.matched_service or strings.NO_SERVICE),
        field(strings.WHY, record.reason or strings.NEVER),
    ]
    if record.credential_keys:
        lines.append(field(strings.KEYS, ", ".join(record.credential_keys)))
    if record.account:
        lines.append(field(strings.ACCOUNT, record.account))
        lines.append(field(strings.BECAUSE, record.account_reason or strings.NEVER))
    if record.injected_headers:
        lines.append(field(strings.INJECTED, ", ".join(record.injected_headers)))
    who = strings.ACTOR.format(name=record.actor_name or strings.NOBODY, kind=record.actor_type)
    lines += [
        field(strings.AGENT, who),
        field(strings.INGRESS, record.ingress),
        field(strings.STARTED, clock(record.started_at)),
    ]
    if record.held_ms > 0:
        lines.append(field(strings.WAITED, duration(record.held_ms)))
    if record.streaming or record.websocket:
        kind = strings.WEBSOCKET if record.websocket else strings.STREAM
        lines.append(field(strings.KIND, kind))
    return lines


def _timings(record: RequestRecord) -> list[Content]:
    """Each phase as a bar in proportion to the whole."""
    total = max(record.latency_ms, 0.001)
    if record.latency_ms < 0:
        return [Content.styled(strings.UNDER_WAY, "$muted")]
    lines = [heading(strings.DETAIL_TIMINGS)]
    phases = (
        (strings.CONNECT, record.connect_ms),
        (strings.TLS, record.tls_ms),
        (strings.FIRST_BYTE, record.first_byte_ms),
        (strings.TOTAL, record.latency_ms),
    )
    for label, value in phases:
        if value >= 0:
            bar = "━" * max(1, min(_BAR, round(value / total * _BAR)))
            text = Content.assemble((f"{duration(value):>8}  ", ""), (bar, "$primary"))
            lines.append(field(label, text))
    if record.reused_upstream:
        lines.append(field(strings.CONNECTION, strings.REUSED))
    if record.retries:
        lines.append(field(strings.RETRIES, str(record.retries)))
    return lines


def _bytes(record: RequestRecord) -> list[Content]:
    return [
        heading(strings.DETAIL_BYTES),
        field(strings.SENT, size(record.bytes_up)),
        field(strings.RECEIVED, size(record.bytes_down)),
    ]


def _error(record: RequestRecord) -> list[Content]:
    kind = ERRORS.get(record.error_code)
    lines = [
        heading(strings.DETAIL_ERROR),
        field(strings.CODE, record.error_code, "$error bold"),
    ]
    if kind is not None:
        lines += [field(strings.MEANING, kind.title), field(strings.REMEDY, kind.help)]
    return lines


class RecordDetail(VerticalScroll, can_focus=True):
    """Beside, below or over the table, by size."""

    def __init__(self) -> None:
        super().__init__(id="detail")
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(id="detail-text", markup=False)

    def show(self, row: Row | None) -> None:
        """Describe `row`, if it is not described already."""
        key = (row.number, row.version) if row is not None else ()
        if key != self._drawn or not key:
            self._drawn = key
            self.query_one("#detail-text", Static).update(describe(row))
