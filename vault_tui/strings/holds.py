"""Words of held requests and of what was allowed for a while."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

EMPTY_HOLDS: Lines = (
    (("No request waits", "text+bold"),),
    (("", "text"),),
    (("A service's rule with ", "muted"), ("action: ask", "accent"),
     (" holds what it covers until you answer:", "muted")),
    (("e", "accent+bold"), ("  on a service of screen 5 adds one", "muted")),
    (("", "text"),),
    (("o", "accent+bold"), ("  shows what was allowed for a while", "muted")),
)  # fmt: skip
HOLD_COLUMNS: Mapping[str, str] = {
    "left": "LEFT",
    "agent": "AGENT",
    "method": "METHOD",
    "url": "URL",
    "service": "SERVICE",
    "vault": "VAULT",
}
HOLD_DURATIONS: Mapping[str, str] = {
    "once": "once",
    "session": "for this session: as long as the agent's token",
    "15m": "for 15 minutes",
    "1h": "for 1 hour",
    "always": "always: a rule is written that allows the same to every agent of the vault",
}
WHY_ANOTHER = "what you looked at waits no more; this is another request"
HOLD_VAULT = "vault"
HOLD_SINCE = "since"
HOLD_BODY = "BODY, SECRETS LEFT OUT"
HOLD_ALLOW_TITLE = "Allow {method} for {agent}"
HOLD_ALLOWED = ("Allowed", "Allowed, and {others} more like it")
HOLD_DENIED = ("Denied", "Denied, and {others} more like it")
HOLD_GONE = "Stored; its agent does not wait for it any more"
HOLD_DENY_TITLE = "Deny such requests always?"
HOLD_DENY_TEXT = "A rule is written that refuses {method} {url} to every agent of the vault."
HOLD_DENY_BUTTON = "Deny always"
GRANTS_TITLE = "Allowed for a while: Enter ends one"
GRANTS_NONE = "Nothing is allowed for a while."
GRANT_REVOKED = "Ended: such requests are asked about again"
GRANT_NO_END = "its token ends"
GRANT_UNTIL = "until {ends}"
