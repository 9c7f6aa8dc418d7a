"""What stands above the credentials of a vault that an external store backs."""

from textual.content import Content

from proxy_core.domain.wire import SourceInfo
from vault_tui.strings import sources as words
from vault_tui.widgets.words import ago, plain


def source_state(name: str) -> Content:
    """Glyph and word."""
    glyph, word, tone = words.STATES.get(name, ("?", name, "error"))
    style = "" if tone == "success" else f"${tone}"
    return Content.assemble((f"{glyph} ", f"${tone} bold"), plain(word, style, 20))


def source_line(found: SourceInfo, now: float) -> Content:
    """State first, then what and where; an error has a line of its own."""
    kind = words.KINDS.get(found.type, found.type)
    line = Content.assemble(
        source_state(found.state),
        Content.styled(words.READ.format(ago=ago(found.last_sync_at, now)), "$muted"),
        Content.styled(words.READ_ONLY, "$warning"),
        Content.styled(
            words.SKIPPED.format(count=len(found.skipped)) if found.skipped else "", "$muted"
        ),
        Content.styled(words.KEY, "$accent"),
        "  ",
        plain(words.WHERE.format(kind=kind), "bold", 40),
        plain(found.place, "$muted", 200),
    )
    if not found.last_error:
        return line
    return Content("\n").join([line, plain(words.ERROR.format(error=found.last_error), "$error")])
