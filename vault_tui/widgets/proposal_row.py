"""A row of the inbox: columns at a given width, and their cells."""

from textual.content import Content

from proxy_core.domain import wire
from vault_tui.proposal_words import asks_for
from vault_tui.strings import proposals as words
from vault_tui.widgets.words import ago, plain

_ROOMY, _NARROW = 96, 70


def columns(width: int) -> list[tuple[str, str, int]]:
    """(id, title, width) of those that fit; what is asked for takes what the others leave."""
    sizes = {"state": 10, "risk": 9, "id": 4, "age": 10, "agent": 14}
    if width >= _ROOMY:
        sizes["agent"] = 20
    elif width < _NARROW:
        del sizes["age"]
    sizes["asks"] = max(width - sum(sizes.values()) - 2 * (len(sizes) + 1) - 2, 16)
    return [(name, title, sizes[name]) for name, title in words.COLUMNS.items() if name in sizes]


def cells(one: wire.InboxProposal, now: float) -> dict[str, Content]:
    """By column's id; `now` is epoch seconds."""
    return {
        "state": _look(words.STATES.get(one.status, ("?", one.status, ""))),
        "risk": _look(words.LEVELS.get(one.level, ("", "", ""))) if one.applicable else _void(),
        "id": Content(f"{one.id}"),
        "age": Content.styled(ago(one.created_at, now), "$muted"),
        "agent": plain(one.created_by.removeprefix(words.AGENT_PREFIX), "", 40),
        "asks": plain(asks_for(one.services, one.credentials), "", 200),
    }


def _look(found: tuple[str, str, str]) -> Content:
    glyph, word, style = found
    return plain(f"{glyph} {word}".strip(), style)


def _void() -> Content:
    return _look(words.STALE)
