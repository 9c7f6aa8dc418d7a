"""What a change of the settings, the key slots or the key means for the console."""

import json
from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import settings as words

_LONGEST = 120


def effect_of_settings(kind: EventType, data: Mapping[str, Any]) -> Effect | None:
    """The list to read and the sentence to show; None for another event."""
    if kind is not EventType.SETTINGS_CHANGED:
        return None
    about = next((name for name in words.EVENTS if name in data), "settings")
    level = Level.INFO if about == "settings" else Level.WARNING
    return Effect(("status", "settings"), level, _sentence(about, data))


def _sentence(about: str, data: Mapping[str, Any]) -> str:
    found = data.get(about, "")
    what = str(found)
    if isinstance(found, dict):
        what = ", ".join(f"{name} = {json.dumps(value)}" for name, value in found.items())
    return words.EVENTS[about].format(
        what=display_safe(what, _LONGEST),
        change=display_safe(str(data.get("change") or words.CHANGE_UNKNOWN), 20),
        by=display_safe(str(data.get("by") or strings.NOBODY), 60),
    )
