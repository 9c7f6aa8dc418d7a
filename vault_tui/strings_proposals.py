"""The words of proposals; the rest stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings import Lines

EMPTY_PENDING: Lines = (
    (("No proposal waits", "text+bold"),),
    (("", "text"),),
    (("Agents that miss a service or a credential propose it; it appears here.", "muted"),),
    (("", "text"),),
    (("f", "accent+bold"), ("  shows those decided", "muted")),
)
EMPTY_OTHERS: Lines = (
    (("None of these", "text+bold"),),
    (("", "text"),),
    (("f", "accent+bold"), ("  shows others", "muted")),
)
COLUMNS: Mapping[str, str] = {
    "state": "STATE",
    "id": "NO",
    "age": "AGE",
    "agent": "BY",
    "asks": "ASKS FOR",
}
STATES: Mapping[str, tuple[str, str, str]] = {
    "pending": ("◷", "waits", "$warning bold"),
    "applied": ("✓", "applied", "$success"),
    "rejected": ("✗", "rejected", "$muted"),
    "expired": ("○", "expired", "$muted"),
}
FILTERS: Mapping[str, str] = {
    "pending": "those that wait",
    "decided": "those decided",
    "all": "all",
}
SHOWN = "Shown: {which}"
SERVICES = "{count} services"
CREDENTIALS = "{count} credentials"
BY = "by"
SINCE = "since"
MESSAGE = "MESSAGE"
