"""Every English sentence and word of the console, together, ready for translation.

Those of a part stand beside it: `strings_traffic`, `strings_proposals`, `strings_services`,
`strings_accounts`, `strings_oauth`, `strings_settings` and others.
`{…}` are filled in by the code. A `Lines` value is a list of lines, each a list of (text, tone).
"""

from collections.abc import Mapping

Lines = tuple[tuple[tuple[str, str], ...], ...]

PRODUCT = "Vault TUI"

# id -> (title, help)
SCREENS: Mapping[str, tuple[str, str]] = {
    "traffic": ("Traffic", "What the agents ask for, as it happens"),
    "proposals": ("Proposals", "Services and credentials that agents ask for"),
    "credentials": ("Credentials", "The secrets this vault keeps, and who uses them"),
    "services": ("Services", "Which hosts get which credential"),
    "holds": ("Holds", "Requests that wait for your answer"),
    "accounts": ("Accounts", "Logins at providers, and what is left of their quota"),
    "events": ("Events", "What happens, and the record of who did what"),
    "agents": ("Agents", "Who may use what, until when, and who is there now"),
    "settings": ("Settings", "How the vault opens, the worker, limits and retention"),
}

# id -> (label, help)
ACTIONS: Mapping[str, tuple[str, str]] = {
    "events.view": ("audit", "Switch between what happens and the record of who did what"),
    "events.filter": ("filter", "Show only what holds some words"),
    "events.clear_filter": ("all", "Show everything again"),
    "events.older": ("older", "Load older entries of the audit"),
    "events.verify": ("verify", "Check that no entry was changed, removed or moved"),
    "events.detail": ("detail", "Scroll in the detail"),
    "settings.edit": ("change", "Change the setting, or the password of the key slot"),
    "settings.add": ("add slot", "One more way to open the vault: password, keyring, key file"),
    "settings.remove": ("remove", "Take a key slot away, after saying what breaks"),
    "settings.rotate": ("rotate key", "Make a new key and encrypt everything anew"),
    "settings.filter": ("filter", "Show only what holds some words"),
    "settings.clear_filter": ("all", "Show everything again"),
    "settings.findings": ("doctor", "Look for what is wrong, and show how to mend it"),
    "settings.copy": ("copy", "Copy the value of the row"),
    "app.help": ("help", "Search every action; Enter runs the chosen one"),
    "app.palette": ("palette", "Run any action by typing a part of its name"),
    "app.command": ("command", "Type an action, a screen or a vault by name"),
    "app.jump": ("jump", "Put a letter on everything that can be focused"),
    "app.vault": ("vault", "Look at another vault"),
    "app.unlock": ("unlock", "Prove a key slot: needed once before anything is changed"),
    "app.lock": ("lock", "End this terminal's operator session"),
    "app.seal": ("seal", "Forget the key: agents get no credential until it is unsealed"),
    "app.theme": ("theme", "Dark, light, high contrast, the terminal's own colours"),
    "app.slow": ("slow link", "Draw less often, for a slow connection"),
    "app.notify": ("notifications", "Errors as desktop notifications: off, OSC 9, OSC 777"),
    "app.start": ("start worker", "Start a worker in place of the one that has gone"),
    "app.doctor": ("doctor", "Look for what is wrong, and show how to mend it"),
    "app.reload": ("reload", "Read every list again"),
    "app.quit": ("quit", "Leave the console; the worker keeps running"),
    "traffic.detail": ("detail", "Timings, decision, injection and error of the row"),
    "traffic.filter": ("filter", "Show only what matches, such as  status:>=400 agent:ci"),
    "traffic.follow": ("follow", "Go to the newest row and stay there"),
    "traffic.pause": ("pause", "Stop the table where it is, or let it run again"),
    "traffic.mark": ("mark", "Mark the row, or take its mark away"),
    "traffic.next_mark": ("next mark", "Go to the next marked row"),
    "traffic.copy": ("copy", "Copy the row as a curl command, with placeholders"),
    "traffic.export": ("export", "Write the shown rows to a file, as JSON lines or HAR"),
    "traffic.service": ("service", "Make a service from this row's host"),
    "traffic.deny": ("deny…", "Refuse requests like this row's from now on: a rule is written"),
    "traffic.why": ("why", "Which service wins for this row, and why"),
    "traffic.saved": ("saved filters", "Choose a saved filter, or save this one"),
    "traffic.clear_filter": ("clear filter", "Show every row again"),
    "proposals.review": ("read", "The whole screen for one after another, and back"),
    "proposals.approve": ("approve…", "Fill its slots, type what is dangerous, carry it out"),
    "proposals.reject": ("reject…", "Refuse it; the agent reads the reason"),
    "proposals.connect": ("connect", "Sign in, or paste tokens, for a login that it needs"),
    "proposals.reveal": ("reveal", "Show a value that the agent supplied, after a fresh proof"),
    "proposals.next": ("next", "Go to the next proposal"),
    "proposals.previous": ("previous", "Go to the previous proposal"),
    "proposals.drafts": ("hosts seen", "Hosts reached without a service; make one of them"),
    "proposals.filter": ("filter", "Those that wait, those decided, or all"),
    "credentials.add": ("add", "Store a new credential; typed or pasted, never shown"),
    "credentials.set": ("set", "Give it a new value; the old one stays in the history"),
    "credentials.reveal": ("reveal", "Show the value for 15 seconds, after a fresh proof"),
    "credentials.refresh": ("refresh", "Get new tokens for an OAuth credential now"),
    "credentials.connect": ("connect", "Sign in to a provider: for a new credential, or anew"),
    "credentials.health": ("health", "Every login: expiry, next refresh, last error"),
    "credentials.approve": ("approve", "Let the command that tells its value run, once looked at"),
    "credentials.store": ("store", "The external store that backs the vault: connect, read now"),
    "credentials.history": ("history", "Older values' dates; one of them can be restored"),
    "credentials.delete": ("delete", "Delete it, after saying which services break"),
    "credentials.uses": ("go to service", "Go to the service that uses it"),
    "services.edit": ("edit", "Change the service in a form that checks while you type"),
    "services.add": ("add", "A new service"),
    "services.catalog": ("catalog", "A new service from a ready-made one"),
    "services.test": ("test", "Type a URL, see which service wins and why"),
    "services.yaml": ("yaml", "Edit all services as YAML, with a diff before saving"),
    "services.toggle": ("on/off", "Switch the service on or off"),
    "services.hosts": ("hosts seen", "Hosts that were reached without a service"),
    "services.delete": ("delete", "Delete the service; can be undone for five minutes"),
    "holds.allow": ("allow…", "Once, for this session, for a while, or always"),
    "holds.deny": ("deny", "Refuse the request"),
    "holds.deny_always": ("deny always", "Refuse it, and write a rule that refuses those like it"),
    "holds.grants": ("grants", "What was allowed for a while; one of them can be ended"),
    "accounts.use": ("use", "Make it its provider's default"),
    "accounts.pause": ("pause", "Take it for no more requests, or take it again"),
    "accounts.refresh": ("refresh", "Get new tokens now, and ask the provider for its quota"),
    "accounts.rename": ("rename", "Give it another nickname"),
    "accounts.add": ("add", "Sign in to another account, or paste its tokens"),
    "accounts.connect": ("connect", "Sign in to it anew"),
    "accounts.remove": ("remove", "Remove it; for 30 days it can be brought back"),
    "accounts.pools": ("pools", "Credentials that are one of several accounts: members, strategy"),
    "accounts.log": ("log", "Which account was chosen when, and why"),
    "accounts.restore": ("undo", "Bring a removed account back"),
    "agents.add": ("create", "Create an agent; its token is shown once"),
    "agents.rotate": ("rotate", "Give it a new token; the present one ends at once"),
    "agents.rename": ("rename", "Give it another name; its token stays"),
    "agents.grant": ("grant", "Let it use a vault, or some services of it, with a role"),
    "agents.take": ("take", "Take a vault from it; its connections are cut"),
    "agents.role": ("role", "What it may do on the worker beside its vaults"),
    "agents.pin": ("pin", "Let it use one account alone, or any again"),
    "agents.revoke": ("revoke", "Delete the agent or end the session; its connections are cut"),
    "agents.detail": ("detail", "Scroll in the detail"),
    "accounts.detail": ("detail", "Tokens, errors and choices of the account"),
    "services.undo": ("undo", "Put the service that was deleted last back"),
}

# --- frame ------------------------------------------------------------------------------------
VAULT_WORD = "vault "
SEAL_UNKNOWN = "… asking"
NOT_SET_UP = "▲ not set up"
SEALED = "▲ sealed"
UNSEALED = "● unsealed"
READ_ONLY = "▲ read-only"
OPERATOR = "● operator"
LOCKED = "○ locked"
LINK_CONNECTING = "◌ connecting"
LINK_LOST = "✗ no connection"
LINK_SLOW = "slow"
STALE = "✗ stale: not connected"
NOTHING_NEW = "nothing to report"
NOT_CONNECTED = "there is no connection to the worker yet"
NEVER = "–"  # noqa: RUF001 - a dash for nothing
NOBODY = "unknown"
AGO = "{count} {unit} ago"
SOME = "Some"
GO_TO = "Go to"
SWITCH_TO = "Switch to vault"
NOT_NOW = "not now: {why}"

# --- why an action cannot run -------------------------------------------------------------------
WHY_READ_ONLY = "this console was started with --read-only"
WHY_SEALED = "the vault is sealed"
WHY_OTHER_SCREEN = "it belongs to another screen"
WHY_RUNS = "only for this machine's worker, and when it has gone"
WHY_NO_ROW = "no row is selected"
WHY_NO_FILTER = "there is no filter"
WHY_NO_CREDENTIAL = "no credential is selected"
WHY_NO_SERVICE = "no service is selected"
WHY_NO_HOLD = "no request waits"
WHY_NO_UNDO = "nothing was deleted in the last five minutes"
WHY_UNREADABLE = "the stored value cannot be decrypted; set it again"

# --- notices ------------------------------------------------------------------------------------
CRASHED = "The console failed. The worker keeps running. What happened stands in {log}"
RECONNECTED = "Reconnected after {seconds} s; events continue where they stopped"
DISCONNECTED = "Connection lost, trying again. {reason}"
STOPPED = "The worker was stopped on purpose. {key} starts a new one"
REVIVING = "The worker has gone without saying so; a new one is being started"
DIED_AGAIN = "The worker has gone again, soon after its start; see its log. {key} starts a new one"
NEW_WORKER = (
    "A new worker answers, {seconds} s after the last one was lost; requests in between were not "
    "served. The lists and the log were read again"
)
NOTIFY_NOW: Mapping[str, str] = {
    "": "Desktop notifications are off",
    "osc9": "Errors are sent as desktop notifications (OSC 9)",
    "osc777": "Errors are sent as desktop notifications (OSC 777)",
}
LOST_EVENTS = "{count} events were missed; the lists and the log were read again"
VAULT_SWITCHED = "Vault {name}"
UNLOCKED = "Unlocked: this console may change things while it is in use"
LOCKED_NOW = "Locked: changes need a new proof"
THEME_NOW = "Theme {name}"
SLOW_ON = "Slow-link mode on: four repaints a second"
SLOW_OFF = "Slow-link mode off: ten repaints a second"
NOTHING_TO_FOCUS = "There is nothing to jump to"
PREFERENCES_UNREADABLE = "{path} cannot be used: {why}"
KEYMAP_UNKNOWN = "keymap.json names {name}, which is no action with a key"
KEYMAP_KEYS = "keymap.json: {name} needs keys such as 'f' or 'f,ctrl+f'"
COPIED = "Sent to the terminal's clipboard"
NOT_COPIED = "tmux did not take the text: set-clipboard needs tmux 3.2 or newer"
ELSEWHERE = "Vault {vault}: {text}"
EVENTS: Mapping[str, str] = {
    "credential.changed": "Credential {name} was set by {by}",
    "credential.approved": "The command of credential {name} was approved by {by}",
    "credential.failed": "The command of credential {name} gives no value: {error}",
    "credential.deleted": "Credential {name} was deleted by {by}",
    "credential.revealed": "Credential {name} was revealed to {by}",
    "service.changed": "Service {name} was changed by {by}",
    "service.deleted": "Service {name} was deleted by {by}",
    "vault.changed": "Vault {name} was changed by {by}",
    "vault.deleted": "Vault {name} was deleted by {by}",
    "request.held": "{name} waits for an answer",
    "hold.approved": "{by} allowed a request of {name}",
    "hold.denied": "{by} denied a request of {name}",
    "hold.timeout": "Nobody answered a request of {name} in time",
    "hold.cancelled": "{name} waits for an answer no more",
    "grant.revoked": "A grant of {name} was ended by {by}",
    "operator.refused": "A wrong key was offered by {by}",
    "worker.sealed": "The vault was sealed by {by}",
    "worker.unsealed": "The vault was unsealed by {by}",
    "worker.stopping": "The worker is stopping",
    "worker.problem": "The worker has a problem: {name}",
    "worker.caught_up": "Changes by other workers are seen again",
    "issuer.changed": "Trusted issuer {name} was {change} by {by}",
    "webhook.changed": "Webhook {name} was {change} by {by}",
    "webhook.failed": "Webhook {name} fails: {error}",
    "webhook.disabled": "Webhook {name} was switched off because it fails: {error}",
}

# --- detail of a request ------------------------------------------------------------------------
DETAIL_NONE = "No row is selected."
DETAIL_DECISION = "DECISION"
DETAIL_TIMINGS = "TIMINGS"
DETAIL_BYTES = "BODY"
DETAIL_ERROR = "ERROR"
UNDER_WAY = "under way"
OUTCOMES: Mapping[str, str] = {
    "held": "waits for an operator",
    "injected": "credential injected",
    "captured": "login, answered by the vault",
    "answered": "answered by the vault itself",
    "passthrough": "service without credential",
    "unmatched": "no service, forwarded without a credential",
    "denied": "denied by policy",
    "failed": "failed",
}
SERVICE = "service"
NO_SERVICE = "none"
WHY = "why"
KEYS = "credential"
ACCOUNT = "account"
BECAUSE = "because"
INJECTED = "injected"
AGENT = "agent"
ACTOR = "{name} ({kind})"
INGRESS = "came by"
STARTED = "at"
KIND = "kind"
WEBSOCKET = "WebSocket"
STREAM = "stream"
CONNECT = "connect"
TLS = "TLS"
FIRST_BYTE = "first byte"
TOTAL = "total"
WAITED = "held for"
CONNECTION = "connection"
REUSED = "reused"
RETRIES = "retries"
SENT = "sent"
RECEIVED = "received"
CODE = "code"
MEANING = "meaning"
REMEDY = "remedy"

# --- lists --------------------------------------------------------------------------------------
EMPTY_SEALED: Lines = (
    (("The vault is sealed", "text+bold"),),
    (("", "text"),),
    (("vault-tui unseal", "accent"), (" opens it", "muted")),
)
EMPTY_LOST: Lines = (
    (("No connection to the worker", "text+bold"),),
    (("", "text"),),
    (("Trying again. ", "muted"), ("vault-tui status", "accent"), (" says more.", "muted")),
)
EMPTY_LOADING: Lines = ((("Reading …", "muted"),),)
EMPTY_CREDENTIALS: Lines = (
    (("No credentials yet", "text+bold"),),
    (("", "text"),),
    (("a", "accent+bold"), ("  stores the first one here", "muted")),
    (("", "text"),),
    (("or from a shell:  ", "muted"), ("vault-tui credential set GITHUB_TOKEN", "accent")),
)
HOLDS_WAIT = "▲ {count} held"
CREDENTIAL_COLUMNS: Mapping[str, str] = {
    "key": "KEY",
    "type": "TYPE",
    "used_by": "USED BY",
    "last_used": "LAST USED",
    "versions": "VER",
    "expires": "EXPIRES IN",
    "state": "STATE",
}
TYPE = "type"
VERSION = "version"
CREATED = "created"
CHANGED = "changed"
LAST_USED = "last used"
USED_BY = "used by"
USED_BY_NONE = "no service"
VALUE_HIDDEN = "V reveals the value."
CURRENT = "● current"

# --- credentials --------------------------------------------------------------------------------
ADD_TITLE = "Add a credential"
ADD_TEXT = "Services refer to it by its key, in UPPER_SNAKE_CASE."
SET_TITLE = "New value for {key}"
SET_TEXT = "The old value stays in the history."
KEY_LABEL = "key"
KEY_PLACEHOLDER = "such as GITHUB_TOKEN"
VALUE_LABEL = "value"
SECRET_PLACEHOLDER = "type or paste, it is not shown"  # noqa: S105 - a hint, no secret
KEY_TAKEN = "{key} exists already; s gives it a new value."
NOW_THE_VALUE = "Now its value."
VALUE_EMPTY = "The value is empty."
STORED = "{key} is stored"
REVEAL_TITLE = "Reveal"
REVEAL_TEXT = "Prove a key slot to see {key}. The reveal is recorded."
REVEALED_TITLE = "{key}"
REVEALED_KEYS = "y then Y copies   esc hides"
SCROLL_KEYS = "↑ ↓ scroll   esc close"
HIDES_IN = "hides in {seconds} s"
COPY_ARMED = "press Y to send it to the clipboard"
NOT_REVEALED = "The worker did not hand out {key}"
HISTORY_TITLE = "Versions of {key}"
HISTORY_NONE = "No version is kept."
ALREADY_CURRENT = "Version {version} is the current one"
RESTORE_TITLE = "Restore {key}?"
RESTORE_TEXT = "Version {version} of {when} becomes the newest value of {key}."
RESTORE_BUTTON = "Restore"
RESTORED = "{key}: version {version} is current again"
DELETE_TITLE = "Delete {name}?"
DELETE_BUTTON = "Delete {name}"
DELETE_BREAKS = (
    "It is used by:\n{services}\nTheir requests will fail with 502 credential_not_found."
)
DELETE_BREAKS_NONE = "No service uses it. Its versions are deleted too."
DELETED = "{name} is deleted"

# --- dialogs ------------------------------------------------------------------------------------
CANCEL = "Cancel"
CONFIRM_KEYS = "← → choose   enter press   esc cancel"
ASK_KEYS = "enter done   esc cancel"
CHOOSE_KEYS = "↑ ↓ choose   enter take   esc close"
CLOSE_KEYS = "esc close"
PROOF_KEYS = "enter prove   esc cancel"
HELP_TITLE = "Help"
HELP_KEYS = "type to search   ↑ ↓ choose   enter runs it   esc close"
HELP_SEARCH = "search the actions"
HELP_EVERYWHERE = "Everywhere"
HELP_NOTHING = "nothing matches"
HELP_LEGEND = (
    "● credential  ○ no service  ⊘ denied  ✗ failed  ◌ under way  ▲ held"
    "  ↻ replayed  ≈ stream  ⇄ websocket"
)
COMMAND_PLACEHOLDER = "action, screen, or: vault NAME"
COMMAND_UNKNOWN = "{name} is no action here; ? lists them"
VAULT_UNKNOWN = "There is no vault {name}"
VAULTS_TITLE = "Vaults"
VAULT_COUNTS = "{services:>3} services {credentials:>3} credentials  "
POLICY: Mapping[str, str] = {
    "passthrough": "unknown hosts pass without a credential",
    "deny": "unknown hosts are denied",
    "ask": "unknown hosts wait for an answer",
}
POLICY_SHORT: Mapping[str, str] = {
    "passthrough": "others pass",
    "deny": "others denied",
    "ask": "others wait",
}
SEAL_TITLE = "Seal the vault?"
SEAL_TEXT = (
    "The key is forgotten. Every agent's request is answered with 503 sealed until an operator "
    "unseals the vault, here or with `vault-tui unseal`."
)
SEAL_BUTTON = "Seal"
