"""What the events about tokens, accounts and pools mean for the console."""

from collections.abc import Callable, Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.state import Level
from vault_tui.strings import accounts as words
from vault_tui.strings import common as strings
from vault_tui.traffic.reading import clock

Data = Mapping[str, Any]
_LONGEST = 200
_ACCOUNTS = ("accounts",)


def effect_of_account(kind: EventType, data: Data) -> Effect | None:
    """The lists to read and the sentence to show; None for an event about something else."""
    found = _EFFECTS.get(kind)
    return None if found is None else found(data)


def _said(data: Data, name: str, default: str = "") -> str:
    return display_safe(str(data.get(name) or default), _LONGEST)


def _whose(data: Data) -> tuple[str, ...]:
    """The lists that an event about a login changes."""
    return ("credentials",) if data.get("credential_key") else _ACCOUNTS


def _renewed(data: Data) -> Effect:
    text = words.RENEWED.format(name=_said(data, "name", strings.NOBODY))
    return Effect(_whose(data), Level.INFO, text)


def _failed(data: Data) -> Effect:
    """An alert the first time, and whenever nothing serves any more; else a warning."""
    serving = bool(data.get("serving"))
    again = serving and data.get("failures", 1) != 1
    text = words.REFRESH_FAILED.format(
        name=_said(data, "name", strings.NOBODY),
        serving=words.STILL_SERVES if serving else "",
        error=_said(data, "error", words.NO_REASON),
    )
    return Effect(_whose(data), Level.WARNING if again else Level.ERROR, text)


def _reconnect(data: Data) -> Effect:
    text = words.RECONNECT.format(
        name=_said(data, "name", strings.NOBODY),
        error=_said(data, "error", words.NO_REASON),
        remedy=_said(data, "remedy"),
    )
    return Effect(_whose(data), Level.ERROR, text.strip())


def _changed(data: Data) -> Effect:
    """New figures of a quota are shown, not told."""
    sentence = words.ACCOUNT_CHANGES.get(str(data.get("change")), "")
    text = sentence.format(
        name=_said(data, "name"), by=_said(data, "by", strings.NOBODY), to=_said(data, "to")
    )
    return Effect(_ACCOUNTS, Level.INFO, text)


def _switched(data: Data) -> Effect:
    text = words.SWITCHED.format(
        pool=_said(data, "pool"),
        former=_said(data, "former", strings.NEVER),
        name=_said(data, "name"),
        reason=_said(data, "reason", words.NO_REASON),
    )
    return Effect(_ACCOUNTS, Level.WARNING, text)


def _cooling(data: Data) -> Effect:
    text = words.COOLING.format(
        name=_said(data, "name"), reason=_said(data, "reason", words.NO_REASON)
    )
    return Effect(_ACCOUNTS, Level.WARNING, text)


def _exhausted(data: Data) -> Effect:
    until = data.get("until")
    ends = ""
    if isinstance(until, int | float):
        ends = words.EXHAUSTED_UNTIL.format(time=clock(until))
    reason = _said(data, "reason", words.NO_REASON)
    text = words.EXHAUSTED.format(name=_said(data, "name"), until=ends, reason=reason)
    return Effect(_ACCOUNTS, Level.ERROR, text)


def _pool(data: Data) -> Effect:
    text = words.POOL_CHANGED.format(name=_said(data, "name"), by=_said(data, "by", strings.NOBODY))
    return Effect(_ACCOUNTS, Level.INFO, text)


_EFFECTS: Mapping[EventType, Callable[[Data], Effect]] = {
    EventType.REFRESH_STARTED: lambda _: Effect(),
    EventType.REFRESH_SUCCEEDED: _renewed,
    EventType.REFRESH_FAILED: _failed,
    EventType.REFRESH_RECONNECT: _reconnect,
    EventType.ACCOUNT_CHANGED: _changed,
    EventType.ACCOUNT_SWITCHED: _switched,
    EventType.ACCOUNT_COOLING: _cooling,
    EventType.ACCOUNT_EXHAUSTED: _exhausted,
    EventType.POOL_CHANGED: _pool,
}
