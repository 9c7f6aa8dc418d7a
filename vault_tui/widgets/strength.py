"""How strong a new password is, as a bar and a word."""

from textual.content import Content

from vault_tui.proofs import SUGGESTED_BITS, strength_bits
from vault_tui.strings import gates as words

_CELLS = 10


def strength(password: str) -> Content:
    """`━━━━━━──── fair: add words`; nothing for nothing."""
    if not password:
        return Content("")
    bits = strength_bits(password)
    filled = min(int(bits / 10), _CELLS)
    word, style = words.STRENGTH[min(int(bits / (SUGGESTED_BITS / 3)), 3)]
    return Content.styled(f"{'━' * filled}{'─' * (_CELLS - filled)} {word}", style)
