"""The words of accounts, pools and OAuth; the rest of the console's stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

# --- accounts -----------------------------------------------------------------------------------
# state -> (glyph, word, tone)
STATES: Mapping[str, tuple[str, str, str]] = {
    "active": ("●", "active", "success"),
    "cooling": ("◌", "cooling", "warning"),
    "exhausted": ("✗", "exhausted", "error"),
    "paused": ("‖", "paused", "muted"),
    "reconnect": ("▲", "reconnect", "error"),
}
DEFAULT = "★"
NO_ACCOUNT = "none"
NO_POOL = "in no pool"
IN_FLIGHT = "{count} in flight"
TOKEN = "token {left}"  # noqa: S105 - a word
TOKEN_EXPIRED = "token expired"  # noqa: S105 - a word
TOKEN_NO_END = "token without end"  # noqa: S105 - a word
NO_QUOTA = "nothing is known of its quota yet; r asks"
NO_WINDOW = "no window open"
WINDOW_FULL = "✗ full"
RESETS_IN = "resets in {left}"
BURNS = "{rate}/h"
EMPTY_IN = "empty in {left}"
POOL_LINE = "{strategy}, now "
POOL_OF = "  of {accounts}"
POOLS_NONE = "There is no pool: no credential uses these accounts. o makes one."
EMPTY_ACCOUNTS: Lines = (
    (("No accounts yet", "text+bold"),),
    (("", "text"),),
    (("+", "accent+bold"), ("  signs in to one: open a URL, paste the code", "muted")),
    (("", "text"),),
    (("or from a shell:  ", "muted"), ("vault-tui account add", "accent")),
)
WHY_NO_ACCOUNT = "no account is selected"
WHY_DEFAULT = "it is the default already"

# --- detail of an account -----------------------------------------------------------------------
DETAIL_ACCOUNT = "ACCOUNT"
DETAIL_TOKENS = "TOKENS"
DETAIL_QUOTA = "QUOTA"
DETAIL_SWITCHES = "CHOICES, NEWEST FIRST"
STATE = "state"
PROVIDER = "provider"
TIER = "tier"
PRIORITY = "priority"
POOLS = "pools"
FLIGHT = "in flight"
ADDED = "added"
LAST_USED = "last used"
EXPIRES = "expires"
NEXT_REFRESH = "refreshes"
LAST_REFRESH = "refreshed"
REFRESHES = "times"
LAST_ERROR = "last error"
QUOTA_ASKED = "asked"
QUOTA_ERROR = "problem"
LIMITED = "{family} only"
IN = "in {left}"
OVERDUE = "now"
SWITCH = "{account} after {former}"
SWITCHES_NONE = "No choice has been made yet."

# --- what is done with accounts -----------------------------------------------------------------
USED = "{name} is the default now"
PAUSED = "{name} is paused: no request takes it; its tokens stay fresh"
RESUMED = "{name} serves again"
REFRESHED = "{name} has new tokens"
RENAME_TITLE = "Rename {name}"
RENAME_TEXT = "A nickname: at most 50 characters, no blanks."
RENAMED = "{name} is its name now"
REMOVE_TITLE = "Remove {name}?"
REMOVE_TEXT = (
    "No request takes it any more, and agents that are pinned to it are refused.{pools}\n"
    "For 30 days z brings it back."
)
REMOVE_POOLS = "\nIt leaves {pools}."
REMOVE_BUTTON = "Remove {name}"
REMOVED = "{name} is removed; z brings it back until {until}"
RESTORE_TITLE = "Bring an account back"
RESTORE_NONE = "No account was removed in the last 30 days."
RESTORE_LINE = "removed {when}"
RESTORED = "{name} is back"
SWITCH_LOG_TITLE = "Choices of accounts, and why"
SWITCH_LOG_NONE = "There is no pool yet: nothing is chosen."
WOULD_CHOOSE = "{pool} would choose {account}: {reason}"
WOULD_CHOOSE_NONE = "{pool} has no account to choose: {reason}"

# --- pools --------------------------------------------------------------------------------------
POOLS_TITLE = "Pools: a credential that is one of several accounts"
POOL_NEW = "+ a new pool"
POOL_LIST_LINE = "{strategy}  {count} accounts"
POOL_FORM_NEW = "A new pool"
POOL_FORM_TITLE = "Pool {key}"
POOL_KEYS = "tab next   space joins   ctrl+s save   ctrl+d delete   esc cancel"
POOL_KEYS_NEW = "tab next   space joins   ctrl+s save   esc cancel"
POOL_NAME = "credential"
POOL_STRATEGY = "strategy"
POOL_MEMBERS = "ACCOUNTS, AND THEIR PRIORITY (SMALLER FIRST)"
POOL_WARN = "warn, % left"
POOL_MOVE = "move, % left"
POOL_RESERVE = "keep, % left"
POOL_EXTRA = "pay for extra usage"
POOL_NAME_HINT = "ANTHROPIC"
POOL_NO_ACCOUNTS = "Add an account first: a pool is made of accounts."
POOL_NO_MEMBERS = "Choose at least one account."
POOL_ONE_PROVIDER = "A pool's accounts are of one provider."
POOL_NUMBER = "{what} is a number from 0 to 99."
POOL_PRIORITY = "A priority is a whole number."
POOL_SAVED = "Pool {key} is saved"
POOL_DELETE_TITLE = "Delete pool {key}?"
POOL_DELETE_TEXT = (
    "Its credential goes with it: services that use {key} answer 502 credential_not_found. "
    "Its accounts stay."
)
POOL_DELETE_BUTTON = "Delete {key}"
POOL_DELETED = "Pool {key} is deleted; its accounts stay"
STRATEGIES: Mapping[str, str] = {
    "default-first": "default-first: the default account, then by priority",
    "fill-first": "fill-first: the one with the least left",
    "round-robin": "round-robin: one after the other",
    "least-used": "least-used: fewest requests under way, most left",
    "reset-aware": "reset-aware: most quota that would lapse unused",
}

# --- adding an account --------------------------------------------------------------------------
ADD_TITLE = "Add an account"
ADD_KEYS = "tab next   ctrl+s go on   esc cancel"
ADD_PROVIDER = "provider"
ADD_NICKNAME = "nickname"
ADD_NICKNAME_HINT = "made from the e-mail when empty"
ADD_HOW = "how"
ADD_POOL = "pool"
ADD_HOWS: Mapping[str, str] = {
    "sign-in": "sign in: open a URL in any browser, paste the code",
    "device": "device code: type a short code in any browser",
    "paste": "paste tokens, as JSON",
}
ADD_JOINS: Mapping[str, str] = {
    "": "only if it is alone there",
    "yes": "join the provider's pool: take over at limits",
    "no": "stay out of it",
}
PASTE_TITLE = "Tokens of the new account"
PASTE_TEXT = (
    "JSON with access_token, refresh_token, expires_in or expires_at; or a .credentials.json. "
    "A refresh token is proven by using it: from then on only this vault may use it."
)
PASTE_EMAIL = "e-mail"
PASTE_EMAIL_HINT = "only where the tokens do not tell it"
PASTE_TOKENS = "tokens"
PASTE_WRONG = "This is no JSON object."
ADDED_NOTICE = "Account {name} is added"
ADDED_POOL = "; it serves {pool}"
ADDED_ALONE = "; it serves nothing until it joins {pool}: o"

# --- news ---------------------------------------------------------------------------------------
SWITCHED = "{pool} went from {former} to {name}: {reason}"
COOLING = "Account {name} rests: {reason}"
EXHAUSTED = "Account {name} is exhausted{until}: {reason}"
EXHAUSTED_UNTIL = " until {time}"
RENEWED = "{name} has new tokens"
REFRESH_FAILED = "Refreshing {name} failed{serving}: {error}"
STILL_SERVES = " (the present token still serves)"
RECONNECT = "{name} has to be connected anew: {error}. {remedy}"
POOL_CHANGED = "Pool {name} was changed by {by}"
ACCOUNT_CHANGES: Mapping[str, str] = {
    "added": "Account {name} was added by {by}",
    "changed": "Account {name} was changed by {by}",
    "default": "Account {name} was made the default by {by}",
    "paused": "Account {name} was paused by {by}",
    "resumed": "Account {name} was resumed by {by}",
    "removed": "Account {name} was removed by {by}",
    "restored": "Account {name} was brought back by {by}",
    "pinned": "Account {name} was pinned to {to} by {by}",
}
NO_REASON = "no reason is known"
