"""What an event asks of the console."""

from dataclasses import dataclass

from vault_tui.state import Level


@dataclass(frozen=True, slots=True)
class Effect:
    """`reloads` names lists, or `status`, or `all`; `text` is a notice. Or empty."""

    reloads: tuple[str, ...] = ()
    level: Level = Level.INFO
    text: str = ""
