"""The words of agents and sessions; the rest of the console's stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

# --- the list -----------------------------------------------------------------------------------
COLUMNS: Mapping[str, str] = {
    "name": "AGENT",
    "grants": "MAY USE",
    "account": "ACCOUNT",
    "created": "CREATED",
    "expires": "EXPIRES",
    "seen": "LAST SEEN",
    "open": "OPEN",
    "today": "TODAY",
}
# state -> (glyph, word, tone)
STATES: Mapping[str, tuple[str, str, str]] = {
    "active": ("●", "active", "success"),
    "expired": ("✗", "expired", "error"),
    "session": ("◌", "session", "primary"),
}
SOME = "{vault} ({services})"
NO_GRANT = "nothing"
EXPIRED = "expired"
EMPTY: Lines = (
    (("No agents yet", "text+bold"),),
    (("", "text"),),
    (("a", "accent+bold"), ("  creates one: its token is shown once", "muted")),
    (("", "text"),),
    (("or for a single command:  ", "muted"), ("vault-tui run -- CMD", "accent")),
)
WHY_NO_AGENT = "no agent is selected"
WHY_SESSION = "a session lasts as it was made: it can be pinned and revoked"
WHY_NO_GRANT = "it has no grant"

# --- detail -------------------------------------------------------------------------------------
DETAIL_GRANTS = "MAY USE"
DETAIL_TOKEN = "TOKEN"  # noqa: S105 - a title
ROLE = "role"
ACCOUNT = "account"
ANY_ACCOUNT = "any"
GONE_ACCOUNT = "{id} (of another vault, or removed)"
CREATED = "created"
CREATED_BY = "by"
EXPIRES = "expires"
NO_END = "never"
ENDS = "in {left}  {when}"
SEEN = "last seen"
OPEN = "open"
TUNNELS = "{count} connections"
TODAY = "today"
REQUESTS = "{count} requests"
ALL_SERVICES = "all services"
SESSION_ID = "session"

# --- forms --------------------------------------------------------------------------------------
FORM_KEYS = "tab next   ctrl+s create   esc cancel"
GRANT_KEYS = "tab next   ctrl+s save   esc cancel"
CREATE_TITLE = "A new agent"
NAME = "name"
NAME_HINT = "ci-bot: 3 to 64 of a-z, 0-9 and hyphens"
VAULT = "vault"
VAULT_ROLE = "role there"
SERVICES = "services"
SERVICES_HINT = "all of them; or some: github, slack"
LIFETIME = "expires"
INSTANCE_ROLE = "on the worker"
VAULT_ROLES: Mapping[str, str] = {
    "proxy": "proxy: uses services, proposes",
    "member": "member: also changes services and reads credentials",
    "admin": "admin: also rules the vault and its grants",
}
INSTANCE_ROLES: Mapping[str, str] = {
    "no-access": "no-access: its vaults alone",
    "member": "member: may create vaults",
    "owner": "owner: may do anything a token may",
}
# seconds -> words
LIFETIMES: Mapping[str, str] = {
    "": "never",
    "86400": "in a day",
    "604800": "in 7 days",
    "2592000": "in 30 days",
    "7776000": "in 90 days",
    "31536000": "in a year",
}
GRANT_TITLE = "What {name} may use in {vault}"
GRANT_CHOOSE = "Which vault for {name}?"
GRANT_NONE = "There is no vault."
GRANT_NEW = "nothing yet"
GRANTED = "{message}"
RENAME_TITLE = "Rename {name}"
RENAME_TEXT = "3 to 64 of a-z, 0-9 and hyphens. Its token and its log stay."
RENAMED = "{name} is its name now"

# --- the token ----------------------------------------------------------------------------------
TOKEN_TITLE = "The token of {name}"  # noqa: S105 - a title
TOKEN_TEXT = "It is shown this once: nobody can read it again. Lost, it is rotated."  # noqa: S105
TOKEN_KEYS = "y Y copy the token   c C copy the command line   esc close"  # noqa: S105 - keys
COMMAND_LINE = "COMMAND LINE"
PROXY_LINE = "HTTPS_PROXY=http://{token}:{vault}@{proxy} SSL_CERT_FILE=ca.pem CMD"
CA_LINE = "vault-tui ca --out ca.pem"
CA_NOTE = "writes the certificate to trust; SDKs take AGENT_VAULT_ADDR={api}"
NO_VAULT_NOTE = "It has no grant yet: m lets it use a vault."
ARMED: Mapping[str, str] = {
    "token": "Y sends the token to the terminal's clipboard",
    "line": "C sends the command line, token included, to the terminal's clipboard",
}

# --- what is done -------------------------------------------------------------------------------
ROTATE_TITLE = "Rotate the token of {name}?"
ROTATE_TEXT = "The present token ends at once, {cut}. The new one is shown once."
ROTATE_BUTTON = "Rotate"
REVOKE_TITLE = "Revoke {name}?"
REVOKE_TEXT = "The agent is deleted with its grants. Its token ends at once, {cut}."
REVOKE_SESSION_TEXT = "The session's token ends at once, {cut}."
REVOKE_BUTTON = "Revoke {name}"
REVOKED = "{name} is revoked"
UNGRANT_CHOOSE = "Which vault shall {name} not use any more?"
UNGRANT_TITLE = "Take {vault} from {name}?"
UNGRANT_TEXT = "Its next request there is refused; at once, {cut}, in other vaults too."
UNGRANT_BUTTON = "Take {vault} away"
CUT_NONE = "and no connection of it is open"
CUT_ONE = "and its open connection is cut"
CUT_SOME = "and its {count} open connections are cut"
ROLE_TITLE = "What may {name} do on the worker?"
ROLE_CHANGED = "{name} is {role} now"
PIN_TITLE = "Which account of {vault} shall {name} use?"
PIN_ANY = "any account"
PINNED = "{name} uses {account} alone now"
UNPINNED = "{name} uses any account"

# --- news: change -> sentence -------------------------------------------------------------------
CHANGES: Mapping[str, str] = {
    "created": "Agent {name} was created by {by}",
    "rotated": "The token of agent {name} was rotated by {by}",
    "renamed": "Agent {old_name} is {name} now, says {by}",
    "role": "Agent {name} got the role {role} from {by}",
    "granted": "Agent {name} was granted {vault} by {by}",
    "grant changed": "The grant of agent {name} for {vault} was changed by {by}",
    "grant revoked": "Vault {vault} was taken from agent {name} by {by}",
    "pinned": "{name} was pinned to account {account} by {by}",
    "unpinned": "{name} may use any account again, says {by}",
}
CHANGED = "Agent {name} was changed by {by}"
EVENTS: Mapping[str, str] = {
    "agent.revoked": "Agent {name} was revoked by {by}",
    "session.created": "",
    "session.revoked": "",
}
