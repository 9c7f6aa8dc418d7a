"""What a proposal asks for, in short."""

from collections.abc import Sequence

from vault_tui.strings import proposals as words


def asks_for(services: Sequence[str], credentials: Sequence[str]) -> str:
    """`service stripe; credential STRIPE_KEY`; not yet safe to show."""
    parts = []
    if services:
        parts.append(words.ASKS_SERVICES.format(names=", ".join(services)))
    if credentials:
        parts.append(words.ASKS_CREDENTIALS.format(names=", ".join(credentials)))
    return "; ".join(parts)
