"""What the events about devices that sign in mean for the console."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import devices as words

_PLACES = ("name", "id", "address", "agent")


def effect_of_device(kind: EventType, data: Mapping[str, Any]) -> Effect | None:
    """The list to read and the sentence to show; None for an event about something else."""
    if kind is EventType.DEVICE_REQUESTED:
        return Effect(("holds",), Level.WARNING, _sentence("requested", data))
    if kind is EventType.DEVICE_RESOLVED:
        return Effect(("holds",), Level.INFO, _sentence(str(data.get("outcome")), data))
    if kind is EventType.DEVICE_CHANGED:
        text = _sentence(f"changed.{data.get('change')}", data)
        return Effect(("agents",), Level.INFO, text)
    return None


def _sentence(name: str, data: Mapping[str, Any]) -> str:
    said = {place: display_safe(str(data.get(place) or ""), 80) for place in _PLACES}
    by = display_safe(str(data.get("by") or strings.NOBODY), 60)
    return words.EVENTS.get(name, "").format(**said, by=by)
