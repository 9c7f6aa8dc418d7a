"""The words of events and of the audit; the rest of the console's stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

# --- the lists ----------------------------------------------------------------------------------
EVENT_COLUMNS: Mapping[str, str] = {
    "at": "TIME",
    "what": "EVENT",
    "name": "ABOUT",
    "vault": "VAULT",
    "by": "BY",
    "more": "MORE",
}
AUDIT_COLUMNS: Mapping[str, str] = {
    "at": "TIME",
    "who": "WHO",
    "what": "ACTION",
    "name": "TARGET",
    "vault": "VAULT",
    "place": "FROM",
    "more": "BEFORE → AFTER",
}
EMPTY_EVENTS: Lines = (
    (("Nothing has happened yet", "text+bold"),),
    (("", "text"),),
    (("changes, refreshes, switches, approvals and logins appear here", "muted"),),
    (("a", "accent+bold"), ("  shows the audit: who did what, also long ago", "muted")),
)
EMPTY_AUDIT: Lines = (
    (("The audit is for operators", "text+bold"),),
    (("", "text"),),
    (("a", "accent+bold"), ("  asks for a proof, then shows who did what", "muted")),
)
EMPTY_FOUND: Lines = (
    (("No entry matches", "text+bold"),),
    (("", "text"),),
    (("bksp", "accent+bold"), ("  clears the filter", "muted")),
)
NOTE_EVENTS = "live"
NOTE_AUDIT = "audit"
NOTE_FILTER = "{view}: {filter}"

# --- detail -------------------------------------------------------------------------------------
NUMBER = "entry"
AT = "at"
WHO = "who"
PLACE = "from"
ROUTE = "asked"
VAULT = "vault"
TARGET = "target"
HASH = "hash"
BEFORE_AFTER = "BEFORE → AFTER"
DATA = "DATA"
UNSEALED = "written while the vault was sealed"
NOTHING = "∅"
ARROW = " → "
WORKER = "the worker"
PROCESS = "uid {uid}, process {pid}"
TERMINAL = "{process}, {tty}"
BY_JWT = "{place}, by a JWT of {issuer}"

# --- actions ------------------------------------------------------------------------------------
WHY_AUDIT_ONLY = "only of the audit: a shows it"
WHY_NO_MORE = "these are the oldest entries"
FILTER_TITLE = "Filter"
FILTER_TEXT = "Words that an entry holds; actor:NAME action:credential vault:NAME narrow it."
OLDER = "{count} older entries"
VERIFY_TITLE = "The audit is whole"
BROKEN_TITLE = "The audit is NOT whole"
VERIFY_TEXT = "{summary}\n\nHead, to note down elsewhere:\n{head}"
VERIFY_BUTTON = "Copy the head"
