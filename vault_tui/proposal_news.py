"""What the events about proposals mean for the console."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.events import EventType
from vault_tui.effects import Effect
from vault_tui.proposal_words import asks_for
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import proposals as words

_LEVELS: Mapping[str, Level] = {
    EventType.PROPOSAL_CREATED.value: Level.WARNING,
    EventType.PROPOSAL_APPLIED.value: Level.GOOD,
}


def effect_of_proposal(kind: str, data: Mapping[str, Any], vault: str) -> Effect | None:
    """The lists to read and the sentence to show; None for an event about something else.

    Those of other vaults are told too, for somebody waits there as well; `vault` is looked at.
    """
    sentence = words.EVENTS.get(kind)
    if sentence is None:
        return None
    text = sentence.format(
        id=_said(data.get("id")),
        agent=_said(data.get("agent")),
        by=_said(data.get("by")),
        asks=display_safe(asks_for(_names(data, "services"), _names(data, "credentials")), 100),
    )
    about = data.get("vault")
    if about not in (None, "", vault):
        text += words.ELSEWHERE.format(vault=_said(about))
    return Effect(("proposals", "status"), _LEVELS.get(kind, Level.INFO), text)


def _said(found: Any) -> str:
    return display_safe(str(found or strings.NOBODY), 60)


def _names(data: Mapping[str, Any], what: str) -> list[str]:
    found = data.get(what)
    return [str(one) for one in found] if isinstance(found, list) else []
