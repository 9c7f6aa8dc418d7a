"""Text from outside, made fit for a terminal.

Whatever came over a network, from a file or from an agent goes through `display_safe` before it is
shown. Rules:

- Plain ASCII passes.
- Characters that steer a terminal, reorder, hide or join text (C0, C1, DEL, bidi controls,
  zero-width, line and paragraph separators, surrogates, tags, unassigned, private use) are shown
  as escapes: `\\x1b`, `\\u202e`, `\\U000e0041`.
- Every kind of space becomes a plain one.
- At most `MAX_MARKS` combining marks stay on a character; emoji presentation selectors are dropped.
"""

import unicodedata

MAX_MARKS = 4
ELLIPSIS = "…"

# Printable for Unicode, yet drawn as nothing: fillers, joiners, variation selectors, blank braille.
_INVISIBLE = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800))
) | frozenset(map(chr, (*range(0xFE00, 0xFE0E), 0x3164, 0xFFA0, *range(0xE0100, 0xE01F0))))
_DROPPED = frozenset("\ufe0e\ufe0f")
_MARKS = frozenset(("Mn", "Me"))


def display_safe(text: str, limit: int | None = None) -> str:
    """`text` with nothing in it that a terminal would obey; at most `limit` characters.

    A text that is cut ends in an ellipsis, which counts. Applying it twice changes nothing more.
    """
    if text.isascii() and text.isprintable():
        safe = text
    else:
        # One character too many tells the cut below that there was more.
        safe = _escaped(text, None if limit is None else limit + 1)
    if limit is None or len(safe) <= limit:
        return safe
    return safe[: limit - 1] + ELLIPSIS if limit > 0 else ""


def _escaped(text: str, enough: int | None) -> str:
    pieces: list[str] = []
    length = marks = 0
    for character in text:
        if enough is not None and length >= enough:
            break
        if unicodedata.category(character) in _MARKS:
            marks += 1
            if marks > MAX_MARKS:
                continue
        else:
            marks = 0
        piece = _shown(character)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def _shown(character: str) -> str:
    if character in _DROPPED:
        return ""
    if character.isprintable() and character not in _INVISIBLE:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
