"""Colours and the rules of layout that every screen shares.

Four themes: `vault-dark` (default), `vault-light`, `vault-contrast` and the terminal's own sixteen
colours (`vault-ansi`, also used without its colours when NO_COLOR is set). Brass marks what the
keyboard acts on, never a state; states always carry a glyph and a word beside their colour.
"""

from textual.theme import Theme

DEFAULT_THEME = "vault-dark"
NO_COLOR_THEME = "vault-ansi"


def _variables(
    text: str, ground: str, muted: str, faint: str, rule: str, row: str, cursor: str
) -> dict[str, str]:
    """Textual takes literal colours here, no names of other variables."""
    return {
        "muted": muted,
        "faint": faint,
        "rule": rule,
        "row-cursor": cursor,
        "row-mark": row,
        "block-cursor-background": cursor,
        "block-cursor-foreground": text,
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": row,
        "block-cursor-blurred-foreground": text,
        "block-hover-background": row,
        "border": rule,
        "border-blurred": rule,
        "scrollbar": rule,
        "scrollbar-hover": muted,
        "scrollbar-active": muted,
        "scrollbar-background": ground,
        "scrollbar-background-hover": ground,
        "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground,
        "input-selection-background": cursor,
    }


THEMES: tuple[Theme, ...] = (
    Theme(
        name="vault-dark",
        primary="#6ea8c9",
        secondary="#8fa6bd",
        accent="#dcb56c",
        success="#84bd90",
        warning="#e89a5b",
        error="#ea6f76",
        foreground="#d3dae3",
        background="#0f1318",
        surface="#151b22",
        panel="#1b222b",
        dark=True,
        variables=_variables(
            "#d3dae3", "#0f1318", "#93a1b1", "#728194", "#2b3541", "#1b232d", "#283a4c"
        ),
    ),
    Theme(
        name="vault-light",
        primary="#1f6288",
        secondary="#48627a",
        accent="#85570a",
        success="#22683a",
        warning="#9a4a0b",
        error="#b0202e",
        foreground="#1d242c",
        background="#fafaf7",
        surface="#f1f1ec",
        panel="#e7e8e2",
        dark=False,
        variables=_variables(
            "#1d242c", "#fafaf7", "#4d5761", "#6a737d", "#c9cdca", "#eef0ea", "#cfe0ea"
        ),
    ),
    Theme(
        name="vault-contrast",
        primary="#7fd4ff",
        secondary="#ffffff",
        accent="#ffd75f",
        success="#7dff9b",
        warning="#ffb35c",
        error="#ff8a8a",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#0d0d0d",
        dark=True,
        variables=_variables(
            "#ffffff", "#000000", "#d6d6d6", "#b4b4b4", "#a0a0a0", "#1f1f1f", "#004a78"
        ),
    ),
    Theme(
        name="vault-ansi",
        ansi=True,
        primary="ansi_cyan",
        secondary="ansi_blue",
        accent="ansi_yellow",
        success="ansi_green",
        warning="ansi_magenta",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=True,
        variables={
            **_variables(
                text="ansi_default",
                ground="ansi_default",
                muted="ansi_default",
                faint="ansi_default",
                rule="ansi_bright_black",
                row="ansi_default",
                cursor="ansi_default",
            ),
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "block-cursor-text-style": "reverse",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_white",
            "screen-selection-background": "ansi_blue",
            "screen-selection-foreground": "ansi_white",
        },
    ),
)
