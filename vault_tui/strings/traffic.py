"""The words of the traffic screen; the rest stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

TRAFFIC_COLUMNS: Mapping[str, str] = {
    "time": "TIME",
    "agent": "AGENT",
    "method": "METHOD",
    "address": "HOST AND PATH",
    "service": "SERVICE",
    "keys": "CREDENTIAL",
    "account": "ACCOUNT",
    "status": "ST",
    "latency": "TOOK",
    "size": "SIZE",
    "reason": "WHY",
}
DENIED = "denied"
HELD = "held"
FAILED = "failed"
UNMATCHED = "none"
PER_SECOND = "req/s"
# For one, and for any other number.
STREAMS = ("stream", "streams")
ERRORS = ("error", "errors")
REFRESHES = ("refresh", "refreshes")
LATELY = " in 5 min"
DROPPED = ("request missing from the log", "requests missing from the log")
NEW_ROWS = "{count} new ↓"
PAUSED = "‖ paused"
SCROLLED = "‖ scrolled"
FOLLOWING = "▼ following"
DETAIL_KEYS = " ↑ ↓ scroll   n p rows   esc close "
TABLE_KEYS = " ↑ ↓ rows   pgup pgdn scroll   esc close "
NO_MARKS = "No row is marked; m marks one"
EMPTY_TRAFFIC: Lines = (
    (("No requests yet", "text+bold"),),
    (("", "text"),),
    (("Start an agent behind the proxy, in another terminal:", "muted"),),
    (("vault-tui run -- claude", "accent"),),
    (("", "text"),),
    (("Its requests appear here as they happen.", "muted"),),
)
EMPTY_CONNECTING: Lines = (
    (("Connecting to the worker", "text+bold"),),
    (("", "text"),),
    (("One is started if none runs.", "muted"),),
)
EMPTY_FILTERED: Lines = (
    (("No row passes the filter", "text+bold"),),
    (("", "text"),),
    (("/", "accent"), (" changes it    ", "muted"), ("bksp", "accent"), (" clears it", "muted")),
    (("", "text"),),
    (("* stands for anything: ", "muted"), ("agent:ci*", "accent")),
)
FILTER_PLACEHOLDER = "method:POST host:*.github.com status:>=400 agent:ci service:none"
FILTER_HELP = (
    "and or not ( ) *   method host path status agent service cred account code latency is   "
    "↑ history   enter keeps   esc undoes"
)
FILTER_SHORT = "and or not ( ) *    ↑ history   enter keeps   esc undoes"
SAVED_TITLE = "Saved filters"
SAVED_NONE = "None yet. Type a filter with / and come back with F to save it."
SAVE_THIS = "+ save the present filter"
SAVE_TITLE = "Name this filter"
EXPORT_TITLE = "Export {count} rows"
EXPORT_TEXT = "A name ending in .har makes an HTTP archive, any other JSON lines. No secrets."
EXPORT_NAME = "Name a file."
EXPORT_EXISTS = "{path} exists already."
EXPORT_NO_DIRECTORY = "{path} is no directory."
NOT_WRITTEN = "{path} was not written: {why}"
WRITTEN = "{count} rows written to {path}"

# --- deny like this -----------------------------------------------------------------------------
WHY_DENIED = "it is denied already"
WHY_HELD = "it waits for your answer: screen 3, D denies such requests always"
WHY_OWN = "the vault answered it itself"
DENY_TITLE = "From now on, deny at {host}"
DENY_EVERY_METHOD = "every method on"
DENY_EVERY_PATH = "on every path"
DENY_GONE = "service {name} is there no more"
DENY_SURE = "Write this rule?"
DENY_TEXT = (
    "Service {name} will deny {what} to every agent of vault {vault}, before its other rules.\n\n"
    "e on screen 5 takes the rule out again."
)
DENY_NEW_TEXT = (
    "No service covers {host}. A new one, {name}, will deny {what} to every agent of vault "
    "{vault}, and let the vault's policy for unknown hosts answer everything else.\n\n"
    "d on screen 5 takes the service away again."
)
DENY_BUTTON = "Deny from now on"
DENY_DONE = "Service {name} denies {what}"
