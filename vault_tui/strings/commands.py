"""The words of credentials that a command tells; the rest stand in `strings`."""

COMMAND = "COMMAND"
LAST_RUN = "last run"
HINT = "What the command prints is never shown. A approves it, `credential test` runs it."
WHY_NO_COMMAND = "no command tells its value"
WHY_NO_VALUE = "a command tells its value, which is never shown"
APPROVE_TITLE = "Let the worker run this program for {key}?"
APPROVE_TEXT = (
    "It runs with the worker's own rights, whenever a value is needed:\n\n"
    "  {command}\n\n"
    "program    {executable}\n"
    "variables  {env}\n"
    "kept for   {ttl} s\n\n"
    "Any change of it needs a new approval."
)
NO_VARIABLES = "none but the usual"
APPROVE_BUTTON = "Let it run"
APPROVED = "The command of {key} is approved"
