"""One proposal in words: its risks, the difference it would make, and what its agent says."""

from collections.abc import Iterable

from textual.content import Content

from proxy_core.domain import wire
from vault_tui.strings import proposals as words
from vault_tui.widgets.proposal_diff import asked_lines, change_lines, risk_lines
from vault_tui.widgets.quoting import hang, quoted
from vault_tui.widgets.record_detail import heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

_NONE = Content("")


def describe_proposal(
    found: wire.ReviewedProposal, now: float, width: int, place: str = ""
) -> Content:
    """All of it in lines of at most `width` cells. What matters stands first, not what is said."""
    lines = [*_head(found, now, width, place), _NONE]
    review = found.review
    if review is None:
        lines += _section(words.ASKED, asked_lines(found, width))
        if found.review_note:
            lines += _section(words.REASON, quoted(found.review_note, width))
    elif review.problem:
        lines += [*hang(_NONE, words.PROBLEM.format(why=review.problem), width, "$error"), _NONE]
        lines += _section(words.ASKED, asked_lines(found, width))
    else:
        lines += _section(words.RISKS, risk_lines(review, width))
        lines += _section(words.CHANGES, change_lines(found, review, width))
    for title, text in (
        (words.AGENT_SAYS_YOU, found.user_message),
        (words.AGENT_SAYS, found.message),
    ):
        if text:
            lines += _section(title, quoted(text, width))
    return Content("\n").join(lines)


def look_again(changes: Iterable[str], width: int) -> list[Content]:
    """What has changed between the look and the decision."""
    lines = [Content.styled(words.SINCE_HEADING, "$warning bold")]
    for text in changes:
        lines += hang(Content("  • "), text, width)
    return [*lines, _NONE]


def _section(title: str, lines: Iterable[Content]) -> list[Content]:
    return [heading(title), *lines, _NONE]


def _head(found: wire.ReviewedProposal, now: float, width: int, place: str) -> list[Content]:
    glyph, word, style = words.STATES.get(found.status, ("?", found.status, ""))
    title = Content.assemble(
        (words.TITLE.format(id=found.id), "bold"), "  ", plain(f"{glyph} {word}", style)
    )
    if place:
        title += Content.styled(f"  {place}", "$muted")
    said = words.RAISED.format(by=found.created_by, ago=ago(found.created_at, now))
    left = seconds_until(found.expires_at, now)
    if found.status == "pending" and left is not None:
        said += words.ENDS.format(left=countdown(left))
    lines = [title, *hang(_NONE, said, width, "$muted")]
    if found.reviewed_at:
        decided = words.DECIDED.format(
            status=word, by=found.reviewed_by, when=when(found.reviewed_at)
        )
        lines += hang(_NONE, decided, width)
    return lines
