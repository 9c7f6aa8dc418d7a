"""The words of proposals; the rest stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

# --- inbox --------------------------------------------------------------------------------------
EMPTY_PENDING: Lines = (
    (("No proposal waits", "text+bold"),),
    (("", "text"),),
    (("Agents that miss a service or a credential propose it; it appears here.", "muted"),),
    (("", "text"),),
    (("f", "accent+bold"), ("  shows those decided    ", "muted"),
     ("o", "accent+bold"), ("  hosts seen without a service", "muted")),
)  # fmt: skip
EMPTY_OTHERS: Lines = (
    (("None of these", "text+bold"),),
    (("", "text"),),
    (("f", "accent+bold"), ("  shows others", "muted")),
)
COLUMNS: Mapping[str, str] = {
    "state": "STATE",
    "risk": "RISK",
    "id": "NO",
    "age": "AGE",
    "agent": "BY",
    "asks": "ASKS FOR",
}
AGENT_PREFIX = "agent "
"""Before most names of who proposes: left out where there is little room."""
# status -> (glyph, word, style)
STATES: Mapping[str, tuple[str, str, str]] = {
    "pending": ("◷", "waits", "$warning bold"),
    "applied": ("✓", "applied", "$success"),
    "rejected": ("✗", "rejected", "$muted"),
    "expired": ("○", "expired", "$muted"),
}
LEVELS: Mapping[str, tuple[str, str, str]] = {
    "high": ("▲▲", "HIGH", "$error bold"),
    "medium": ("▲", "medium", "$warning"),
    "low": ("·", "low", "$muted"),
}
STALE = ("✗", "void", "$muted")
FILTERS: Mapping[str, str] = {
    "pending": "those that wait",
    "decided": "those decided",
    "all": "all",
}
SHOWN = "Shown: {which}"
ASKS_SERVICES = "service {names}"
ASKS_CREDENTIALS = "credential {names}"
WAITING = "◷ {count} proposed"

# --- detail -------------------------------------------------------------------------------------
LOADING = "Reading …"
TITLE = "proposal {id}"
PLACE = "{here} of {count}"
RAISED = "by {by}, {ago}"
ENDS = "; ends in {left}"
DECIDED = "{status} by {by}, {when}"
RISKS = "RISKS"
RISKS_NONE = "none that the rules see"
CHANGES = "WHAT THE VAULT ALLOWS: NOW, AND AFTER"
ASKED = "WHAT WAS ASKED FOR"
PROBLEM = "✗ It cannot be carried out any more: {why}"
SINCE_HEADING = "▲ CHANGED SINCE YOU LOOKED"
SINCE: Mapping[str, str] = {
    "service": "service {name}: what would change is another now",
    "credential": "credential {name}: what would change is another now",
    "new": "new risk: {name}",
    "gone": "no risk any more: {name}",
    "else": "the vault was changed; look at it again",
}
SERVICE = "service"
CREDENTIAL = "credential"
# change -> (sign, word, style)
SIGNS: Mapping[str, tuple[str, str, str]] = {
    "added": ("+", "new", "$success bold"),
    "changed": ("~", "changed", "$warning bold"),
    "removed": ("-", "deleted", "$error bold"),
    "unchanged": ("=", "as it is", "$muted"),
    "moved": ("~", "other hosts for", "$warning bold"),
    "set": ("+", "set", "$success bold"),
    "delete": ("-", "delete", "$error bold"),
}
NOW = "now"
AFTER = "after"
FIELDS: Mapping[str, str] = {
    "host": "host",
    "enabled": "enabled",
    "auth": "auth",
    "substitutions": "substitute",
    "rules": "rules",
    "allow_http": "plain http",
    "scrub": "scrubbing",
    "failover": "failover",
    "capture": "capture",
    "gateway": "gateway",
}
OAUTH_FIELDS: Mapping[str, str] = {
    "authorization_url": "sign-in URL",
    "token_url": "token URL",
    "scopes": "scopes",
    "scope_separator": "separator",
    "client_id": "client id",
    "token_auth_method": "client auth",
    "disable_pkce": "no PKCE",
}
NO_RULES = "none: every method, every path"
NOTHING = "–"  # noqa: RUF001 - a dash for nothing
NOWHERE = "nowhere"
YES, NO = "yes", "no"
GOES_TO = "goes to"
VALUE = "value"
VALUE_NEEDED = "▲ needed from you"
VALUE_AGENT = "has a value, the agent's: V reveals it"
VALUE_STAYS = "stays as it is, unless you give another"
LOGIN = "login"
LOGIN_NEEDED = "▲ not connected yet: c connects it"
LOGIN_THERE = "connected"
WHAT, OBTAIN, HOW = "what for", "get it at", "how"
AGENT_SAYS = "THE AGENT'S WORDS, FOR THE RECORD"
AGENT_SAYS_YOU = "THE AGENT'S WORDS, FOR YOU"
REASON = "REASON GIVEN"
MORE_LINES = "… {count} more lines"

# --- deciding -----------------------------------------------------------------------------------
WHY_NONE = "no proposal is selected"
WHY_LOADING = "it is being read"
WHY_DECIDED = "it is {status} already"
WHY_DECIDED_BY = "it is {status} already, by {by}"
WHY_PROBLEM = "it cannot be carried out any more: {why}"
WHY_LOGIN = "{keys} must be connected first: c does it"
WHY_NO_VALUE = "the agent supplied no value"
WHY_NO_LOGIN = "it needs no login"
WHY_LAST = "that is the last one"
WHY_FIRST = "that is the first one"
APPROVE_TITLE = "Approve proposal {id} of {by}"
APPROVE_KEYS = "tab next   pgup pgdn read   esc cancel"
APPROVE_BUTTON = "Approve"
SLOT_NEEDED = "value of {key}"
SLOT_AGENT = "empty: the agent's own value is stored"
SLOT_STAYS = "empty: the present value stays"
TYPE_NAME = "type {name}"
TYPE_HINT = "high risk: letter by letter"
MISSING = "Still to do: {what}"
COMPLETE = "All there. Approve carries it out at once."
REJECT_TITLE = "Reject proposal {id} of {by}"
REJECT_TEXT = "The agent reads the reason; it may be left empty."
REASON_LONG = "At most {count} characters."
APPLIED = "Proposal {id} is applied"
REJECTED = "Proposal {id} is rejected"
ALREADY = " (it had been before)"
CHANGED_AGAIN = "The vault was changed since you looked: look again. Nothing was applied"
REVEAL_WHICH = "Reveal which value?"
CONNECT_TITLE = "Connect {key}, as proposed"
CONNECT_WHICH = "Connect which credential?"

# --- events -------------------------------------------------------------------------------------
EVENTS: Mapping[str, str] = {
    "proposal.created": "{agent} proposes {asks}: proposal {id}",
    "proposal.applied": "Proposal {id} of {agent} was applied by {by}",
    "proposal.rejected": "Proposal {id} of {agent} was rejected by {by}",
    "proposal.expired": "Proposal {id} of {agent} has expired",
}
ELSEWHERE = " (vault {vault})"
