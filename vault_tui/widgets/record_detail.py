"""Everything that is known of one request, in words."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message

from proxy_core.base.errors import ERRORS
from proxy_core.base.text import display_safe
from proxy_core.domain.traffic import RequestRecord
from vault_tui.strings import common as strings
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.reading import clock, duration, size, status_text, status_tone, url, verdict
from vault_tui.traffic.ring import Row
from vault_tui.widgets.fitted import FittedText
from vault_tui.widgets.quoting import hang
from vault_tui.widgets.words import plain

_LABEL = 12
_BAR = 24


def field(label: str, value: Content | str, style: str = "", width: int = 0) -> Content:
    """Label, then value; a text that is longer than `width` (0: no matter) goes on below itself."""
    before = Content.styled(f"{label:<{_LABEL}}", "$muted")
    if isinstance(value, str) and width:
        return Content("\n").join(hang(before, value, width, style))
    return before + (plain(value, style) if isinstance(value, str) else value)


def heading(text: str) -> Content:
    """A section's title."""
    return Content.styled(text, "$accent bold")


def describe(row: Row | None, width: int = 0) -> Content:
    """The detail pane's text, wrapped for `width` cells. What went wrong comes first."""
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
    ]
    if record.error_code:
        lines += [Content(""), *_error(record, width)]
    lines += [Content(""), *_decision(record, width), Content(""), *_timings(record)]
    if not row.live:
        lines += [Content(""), *_bytes(record)]
    return Content("\n").join(lines)


def _decision(record: RequestRecord, width: int) -> list[Content]:
    lines: list[tuple[str, str]] = [
        (strings.SERVICE, record.matched_service or strings.NO_SERVICE),
        (strings.WHY, record.reason or strings.NEVER),
    ]
    if record.credential_keys:
        lines.append((strings.KEYS, ", ".join(record.credential_keys)))
    if record.account:
        lines.append((strings.ACCOUNT, record.account))
        lines.append((strings.BECAUSE, record.account_reason or strings.NEVER))
    if record.injected_headers:
        lines.append((strings.INJECTED, ", ".join(record.injected_headers)))
    who = strings.ACTOR.format(name=record.actor_name or strings.NOBODY, kind=record.actor_type)
    lines += [
        (strings.AGENT, who),
        (strings.INGRESS, record.ingress),
        (strings.STARTED, clock(record.started_at)),
    ]
    if record.held_ms > 0:
        lines.append((strings.WAITED, duration(record.held_ms)))
    if record.streaming or record.websocket:
        kind = strings.WEBSOCKET if record.websocket else strings.STREAM
        lines.append((strings.KIND, kind))
    return [heading(strings.DETAIL_DECISION), *_fields(lines, width)]


def _fields(lines: Iterable[tuple[str, str]], width: int) -> list[Content]:
    return [field(label, value, width=width) for label, value in lines]


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


def _error(record: RequestRecord, width: int) -> list[Content]:
    kind = ERRORS.get(record.error_code)
    lines = [
        heading(strings.DETAIL_ERROR),
        field(strings.CODE, record.error_code, "$error bold", width),
    ]
    if kind is not None:
        lines += _fields([(strings.MEANING, kind.title), (strings.REMEDY, kind.help)], width)
    return lines


class RecordDetail(VerticalScroll, can_focus=True):
    """Beside, below or over the table, by size."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", show=False),
        Binding("p", "step(-1)", show=False),
    ]

    class Step(Message):
        """Another row is wanted: the next one (`by` 1) or the one before (-1)."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(id="detail")
        self.border_title = strings_traffic.TABLE_KEYS
        self._row: Row | None = None
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """One text."""
        yield FittedText("detail-text")

    def show(self, row: Row | None) -> None:
        """Describe `row`, if it is not described already; another one from its beginning."""
        text = self.query_one(FittedText)
        key = (row.number, row.version, text.columns) if row is not None else ()
        if key == self._drawn and key:
            return
        if row is not self._row:
            self.scroll_home(animate=False, immediate=True, force=True)
        self._row, self._drawn = row, key
        text.update(describe(row, text.columns))

    def on_focus(self) -> None:
        """The arrows scroll now."""
        self.border_title = strings_traffic.DETAIL_KEYS

    def on_blur(self) -> None:
        """The arrows go from row to row in the table."""
        self.border_title = strings_traffic.TABLE_KEYS

    def action_step(self, by: int) -> None:
        """To another row."""
        self.post_message(self.Step(by))

    @on(FittedText.Refit)
    def _refit(self) -> None:
        if self._row is not None:
            self.show(self._row)

    def page(self, by: int) -> None:
        """A screenful up or down, wherever the focus is."""
        self.scroll_relative(y=by * max(self.size.height - 1, 1), animate=False, immediate=True)
