"""How a request reads: the words, glyphs and short figures of a row and of the detail pane."""

import time
from dataclasses import dataclass

from proxy_core.domain.traffic import RequestRecord
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.ring import HELD, Row

KILO = 1000.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a request: `glyph` and `word` say it, `tone` colours it."""

    glyph: str
    word: str
    tone: str


def verdict(row: Row) -> Verdict:
    """The verdict on a row; the service's name is the word when a service took it."""
    record = row.record
    if record.decision == HELD:
        return Verdict("▲", strings_traffic.HELD, "warning")
    if record.decision == "denied":
        return Verdict("⊘", strings_traffic.DENIED, "error")
    if record.decision == "failed" or (record.error_code and not row.live):
        return Verdict("✗", strings_traffic.FAILED, "error")
    if not record.matched_service:
        return Verdict("○", strings_traffic.UNMATCHED, "warning")
    if row.live:
        return Verdict("◌", record.matched_service, "primary")
    if record.retries:
        return Verdict("↻", record.matched_service, "primary")
    if record.websocket:
        return Verdict("⇄", record.matched_service, "primary")
    if record.streaming:
        return Verdict("≈", record.matched_service, "primary")
    return Verdict("●", record.matched_service, "success")


def is_error(record: RequestRecord) -> bool:
    """Whether the request counts among the errors on top."""
    return bool(record.error_code) or record.status >= 500 or record.decision == "denied"


def status_text(row: Row) -> str:
    """`200`, `···` under way or held, `—` when the client left before an answer."""
    if row.live:
        return "···"
    return str(row.record.status) if row.record.status else "—"


def status_tone(row: Row) -> str:
    """The tone of the status."""
    status = row.record.status
    if row.live:
        return "primary"
    if status >= 500 or status == 0:
        return "error"
    return "warning" if status >= 400 else "success" if status < 300 else "muted"


def duration(milliseconds: float) -> str:
    """`84 ms`, `1.2 s`, `2m03`; empty for what did not happen."""
    if milliseconds < 0:
        return ""
    if milliseconds < 1:
        return "<1 ms"
    if milliseconds < KILO:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / KILO
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)}m{int(seconds % 60):02d}"


def size(count: int) -> str:
    """`340 B`, `1.2 kB`, `12 MB`."""
    value = float(count)
    if value < KILO:
        return f"{count} B"
    for unit in ("kB", "MB", "GB"):
        value /= KILO
        if value < KILO or unit == "GB":
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return ""


def clock(epoch: float) -> str:
    """Local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(epoch))


def address(record: RequestRecord) -> tuple[str, str]:
    """Host (with an unusual port) and path."""
    usual = {"https": 443, "http": 80}.get(record.scheme)
    host = f"[{record.host}]" if ":" in record.host else record.host
    prefix = "http://" if record.scheme == "http" else ""
    return f"{prefix}{host}{'' if record.port == usual else f':{record.port}'}", record.path


def url(record: RequestRecord) -> str:
    """The address as a URL, without the query, which is never kept."""
    host, path = address(record)
    return f"{host}{path}" if host.startswith("http://") else f"https://{host}{path}"
