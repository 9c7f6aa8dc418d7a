"""What the events about external stores mean for the console."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.state import Level
from vault_tui.strings import sources as words

_LEVELS = {EventType.SOURCE_SYNCED: Level.INFO, EventType.SOURCE_FAILED: Level.WARNING}


def effect_of_source(kind: EventType, data: Mapping[str, Any]) -> Effect | None:
    """Told whatever vault is looked at; None for an event about something else."""
    if kind not in _LEVELS:
        return None
    text = words.EVENTS[kind.value].format(
        name=display_safe(str(data.get("name") or ""), 60),
        error=display_safe(str(data.get("error") or ""), 120),
    )
    return Effect(("vaults", "status"), _LEVELS[kind], text)
