"""The words of Settings: the worker, the ways in which the vault opens, and what can be set."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

# id -> title
COLUMNS: Mapping[str, str] = {"part": "PART", "name": "NAME", "value": "VALUE", "more": ""}
PARTS: Mapping[str, str] = {
    "slot": "key slots",
    "worker": "worker",
    "ca": "CA",
    "setting": "settings",
}
EMPTY: Lines = (
    (("Nothing matches", "text+bold"),),
    (("", "text"),),
    (("bksp", "accent"), ("  shows everything again", "muted")),
)
NOTE_FILTER = "only: {filter}"
FILTER_TITLE = "Settings"
FILTER_TEXT = "Words that shall be in the name, the value or the meaning: retention, hold"

# --- why not ------------------------------------------------------------------------------------
WHY_SHOWN_ONLY = "it is only shown here; the worker is started with it"
WHY_NO_SLOT = "no key slot is selected"
WHY_NO_PASSWORD = "a {kind} slot has no password: add another slot, remove this one"  # noqa: S105 - a sentence
WHY_ONLY_SLOT = "it is the only way in: add another slot first"
WHY_ON_MACHINE = "the key is rotated on the worker's machine only"
WHY_NO_SLOTS = "the key slots are not known"

# --- rows ---------------------------------------------------------------------------------------
SLOT_KINDS: Mapping[str, str] = {
    "password": "password",
    "keyring": "keyring",
    "keyfile": "key file",
}
OPENS_ASKED = "○ asks for it"
OPENS_ITSELF = "● by itself"
MADE = "{kind:<9} {ago}"
DEFAULT = "default {value}"
WORKER: Mapping[str, str] = {
    "version": "version",
    "where": "machine",
    "pid": "process",
    "uptime": "runs for",
    "api": "API",
    "proxy": "proxy",
    "socket": "control socket",
    "tls": "TLS on both ports",
    "database": "database",
    "connections": "connections",
    "streams": "streams",
    "log_dropped": "log records lost",
    "problem": "problem",
}
YES, NO = "yes", "no"
NOTHING = "none"
CA_FINGERPRINT = "SHA-256"
CA_EXPIRES = "valid until"
CA_UNREADABLE = "cannot be read"

# --- detail -------------------------------------------------------------------------------------
KIND = "kind"
OPENS = "opens"
OPENS_WORDS: Mapping[str, str] = {
    "password": "when its password is typed: here, by `vault-tui unseal`, or on another machine",
    "keyring": "by itself, when the worker starts and the keyring of its machine is open",
    "keyfile": "by itself, when the worker starts and can read its file",
}
MADE_AT = "made"
SLOT_ID = "id"
IF_REMOVED = "IF IT IS REMOVED"
VALUE = "value"
USUAL = "default"
FROM_A_SHELL = "FROM A SHELL"
SET_COMMAND = "vault-tui config set {name} {value}"
CA_COMMAND = "vault-tui ca --out ca.pem"
CA_TEXT = "What agents have to trust. Only what goes through the proxy is signed by it."
WORKER_COMMAND = "vault-tui status"

# --- what removing a slot breaks ----------------------------------------------------------------
STILL_ITSELF = "The worker still starts by itself, with {labels}."
NOT_ITSELF = (
    "It is the last with which the worker starts by itself: after each start it answers "
    "`sealed` until somebody types a password (`vault-tui unseal`)."
)
STILL_PASSWORD = "A password still opens it: {labels}."  # noqa: S105 - a sentence
NONE_TYPED = (
    "No password opens the vault any more, nor the backups made from now on: where {labels} is "
    "not at hand, nothing does."
)
GOES_WITH_IT: Mapping[str, str] = {
    "password": "The password then opens nothing but backups made until now.",
    "keyring": "Its entry in the OS keyring goes with it.",
    "keyfile": "Its key file goes with it, if the file is its own.",
}

# --- dialogs ------------------------------------------------------------------------------------
FORM_KEYS = "tab next   ctrl+s {verb}   esc cancel"
ADD_TITLE = "One more way to open the vault"
ADD_VERB = "add"
ADD_NOTE = "Nothing is encrypted anew, and what opened the vault before still does."
ADD_KIND = "kind"
KIND_CHOICES: Mapping[str, str] = {
    "password": "password: typed after each start; also opens backups elsewhere",
    "keyring": "OS keyring: opens by itself when you are logged in",
    "keyfile": "key file: opens by itself, for servers that start unattended",
}
KEYFILE_ELSEWHERE = "A key file is made on the worker's machine only: `vault-tui key add` there."
LABEL = "called"
LABEL_HINT = "spare, in the safe; its kind when empty"
PASSWORD = "password"  # noqa: S105 - a label
AGAIN = "once more"
PATH = "file"
PATH_HINT = "/etc/vault-tui/key: made there with mode 0600"
PATH_MISSING = "Name the absolute path of the file that is to be made."
TYPE_AGAIN = "Type it once more, to be sure."
CHANGE_TITLE = "Another password for {label}"
CHANGE_VERB = "change"
CHANGE_NOTE = "The old password then opens nothing but backups made until now."
REMOVE_TITLE = "Remove {label}?"
REMOVE_BUTTON = "remove"
REMOVE_WHAT = "The {kind} slot made {when}."
TYPE_IT = "Type {word} to go on:"
TYPED_KEYS = "enter {verb}   esc cancel"
TYPED_WRONG = "That is not {word}."
FORCE_TITLE = "The worker refuses"
FORCE_BUTTON = "Remove it all the same"
ROTATE_TITLE = "A new key"
ROTATE_VERB = "rotate"
ROTATE_NOTE = (
    "Everything stored is encrypted anew in one transaction: afterwards all of it is, or nothing; "
    "requests go on meanwhile. The ticked slots open the new key, so each has to open now. Backups "
    "made until now still open as they did."
)
ROTATE_SLOTS = "SLOTS THAT OPEN THE NEW KEY"
ROTATE_PASSWORD = "its password"  # noqa: S105 - a placeholder
ROTATE_READS = "read by the worker"
ROTATE_UNREADABLE = "go on though some values cannot be decrypted"
ROTATE_KEEP_ONE = "At least one slot has to open the new key."
ROTATE_NEEDS = "{label} needs its password; without its tick it is dropped."
DROP_TITLE = "Rotate, and drop {labels}?"
DROP_TEXT = "It opens nothing but older backups any more."
DROP_BUTTON = "Rotate and drop"
EDIT_TEXT = "{description}\nEmpty: the default, {default}."
EDIT_LIST_TEXT = "{description}\nSeparated by commas. Empty: the default, {default}."
AS_IT_IS = "as it is"

# --- notices ------------------------------------------------------------------------------------
ADDED = "{label} opens the vault too now"
CHANGED = "{label} has another password; the old one opens nothing any more"
REMOVED = "{label} opens nothing any more"
WORKING = "Everything is encrypted anew …"
ROTATED = "The key is number {version} now: {count} values were encrypted anew"
ROTATED_BUT = "{said}; {count} could not be decrypted and stay unreadable"
SET = "{name} is {value} now"

CHANGE_UNKNOWN = "changed"
# what an event of changed settings is about -> sentence
EVENTS: Mapping[str, str] = {
    "slot": "A {what} key slot was {change} by {by}",
    "key": "The key was rotated by {by}: everything is encrypted anew",
    "settings": "Settings were changed by {by}: {what}",
}
