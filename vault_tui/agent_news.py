"""What the events about agents and sessions mean for the console."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.state import Level
from vault_tui.strings import agents as words
from vault_tui.strings import common as strings

_CHANGED = frozenset((EventType.AGENT_CHANGED, EventType.SESSION_CHANGED))
_PLACES = ("name", "old_name", "role", "vault", "account")


def effect_of_agent(kind: EventType, data: Mapping[str, Any]) -> Effect | None:
    """The list to read and the sentence to show; None for an event about something else.

    Agents belong to no vault: they are told whichever is looked at.
    """
    sentence = words.EVENTS.get(kind.value)
    if kind in _CHANGED:
        sentence = words.CHANGES.get(str(data.get("change")), words.CHANGED)
    if sentence is None:
        return None
    said = {name: display_safe(str(data.get(name) or ""), 80) for name in _PLACES}
    by = display_safe(str(data.get("by") or strings.NOBODY), 60)
    level = Level.WARNING if kind is EventType.AGENT_REVOKED else Level.INFO
    return Effect(("agents",), level, sentence.format(**said, by=by))
