"""The words of the doctor's view; the findings' own come from the rules."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

TITLE = "Doctor: what is wrong, and how to mend it"
KEYS = "↑ ↓ move   r look again   y copies the command   esc close"
COLUMNS: Mapping[str, str] = {"level": "LEVEL", "what": "FINDING"}
LEVELS: Mapping[str, str] = {"error": "✗ error", "warning": "! warning", "note": "· note"}
LOOKING: Lines = ((("Looking …", "muted"),),)
WELL: Lines = (
    (("✓ All is well", "success+bold"),),
    (("", "text"),),
    (("worker, data directory, environment and Claude Code's login here", "muted"),),
)
FAILED = "It could not be looked at: {why}"
COMMAND = "→ {command}"
NO_COMMAND = "Nothing to type: see above."
METHOD_TITLE = "HOW CLAUDE CODE WOULD LOG IN HERE"
WHY_NOT_HERE = "this console has no directory of its own to look at"
