"""Lines that stay what they are: a text from outside never looks like a line of the console's.

Wrapped here rather than by the widget, so that each further line begins as the first one does.
"""

import re
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells
from textual.content import Content

from proxy_core.base.text import display_safe
from vault_tui.strings import proposals as words

_WORDS = re.compile(r"[^ ]+ *| +")
_LEAST = 12
_MOST_LINES = 400
_BAR = Content.styled("│ ", "$muted")


def wrapped(text: str, room: int) -> list[str]:
    """`text`, one safe line, in pieces of at most `room` cells; broken at blanks if possible."""
    lines = [""]
    for word in _WORDS.findall(display_safe(text)):
        bare = word.rstrip(" ")
        if cell_len(lines[-1]) + cell_len(bare) <= room:
            lines[-1] += word
            continue
        if lines[-1].strip():
            lines.append("")
        pieces = chop_cells(bare, room) if bare else [""]
        lines[-1] = pieces[0]
        lines += pieces[1:]
        lines[-1] += word[len(bare) :][:1]
    return [line.rstrip() for line in lines]


def hang(
    prefix: Content, text: str, width: int, style: str = "", again: Content | None = None
) -> list[Content]:
    """`text` behind `prefix`; further lines behind `again`, or as many blanks."""
    rest = again if again is not None else Content(" " * prefix.cell_length)
    pieces = wrapped(text, max(width - prefix.cell_length, _LEAST))
    return [
        (prefix if number == 0 else rest) + Content.styled(piece, style)
        for number, piece in enumerate(pieces)
    ]


def quoted(text: str, width: int, label: Content | None = None) -> list[Content]:
    """What somebody else wrote, behind a bar; empty lines that follow each other become one.

    `label` stands before the first line, and as many blanks before the others.
    """
    indent = Content(" " * (label.cell_length if label is not None else 0))
    bar = indent + _BAR
    lines = [line for part in _paragraphs(text) for line in hang(bar, part, width, again=bar)]
    if len(lines) > _MOST_LINES:
        more = words.MORE_LINES.format(count=len(lines) - _MOST_LINES)
        lines[_MOST_LINES:] = [bar + Content.styled(more, "$muted")]
    if label is not None and lines:
        lines[0] = label + lines[0][indent.cell_length :]
    return lines


def _paragraphs(text: str) -> Iterable[str]:
    before = ""
    for line in text.strip().splitlines():
        if line.strip() or before.strip():
            yield line
        before = line
