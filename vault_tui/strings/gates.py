"""Words of key slots: the first one, unsealing, proving to be an operator."""

from collections.abc import Mapping

UNLOCK_TITLE = "Unlock"
UNLOCK_TEXT = (
    "Changes need an operator. Prove a key slot once; it lasts while this terminal is in use."
)
CHECKING = "checking …"
WORKING = "working …"
SLOT_KINDS: Mapping[str, str] = {
    "keyring": "this machine's keyring",
    "password": "master password",
    "keyfile": "key file",
}
SLOT_PLACEHOLDERS: Mapping[str, str] = {
    "keyring": "enter: the keyring is asked",
    "password": "master password",
    "keyfile": "path of the key file",
}
KEYFILE_KNOWN = "enter: the worker reads its key file; or the path of another"


def slot_placeholder(kind: str, local: bool) -> str:
    """What the empty input of a slot's proof says."""
    return KEYFILE_KNOWN if kind == "keyfile" and local else SLOT_PLACEHOLDERS[kind]


FIRST_NOT_HERE = "Not here: {why}"
KEYRING_SILENT = "The keyring does not answer; it may wait for a desktop to ask for its password."
KEYRING_EMPTY = "The keyring of this machine does not hold the vault's key."
KEYFILE_OPEN = "The key file must be a plain file that only you can read: chmod 600."
KEYFILE_UNREADABLE = "The key file cannot be read: {why}."
KEYFILE_NO_KEY = "The file does not hold a key."
GATE_KEYS = "↑ ↓ choose   enter go on   esc back   ctrl+q quit"
FIRST_HEADING = "How shall this vault be protected?"
FIRST_TEXT = "Asked once. Everything stored is encrypted under a key that only this opens."
FIRST_CHOICES: Mapping[str, tuple[str, str]] = {
    "keyring": ("OS keyring", "Opens by itself when you are logged in. For a desktop."),
    "password": ("Master password", "You type it after each start of the worker. For SSH."),
    "keyfile": ("Key file", "A file that only you can read. For servers that start unattended."),
}
FIRST_PLACEHOLDERS: Mapping[str, str] = {
    "password": "master password",
    "keyfile": "where to write the key file: /etc/vault-tui/key",
}
AGAIN = "the same once more"
ONCE_MORE = "Type it once more, to be sure."
DIFFERENT = "The two passwords differ."
PASSWORD_EMPTY = "The password is empty."  # noqa: S105 - a sentence, no secret
PATH_ABSOLUTE = "Name an absolute path."
KEYRING_FAILED = "{why} Choose the master password instead: it works over SSH."
STRENGTH: tuple[tuple[str, str], ...] = (
    ("weak: a guess away", "$error"),
    ("fair: add words", "$warning"),
    ("good", "$success"),
    ("strong", "$success bold"),
)
SET_UP = "The vault is set up. Next: store a credential, pick a service, start an agent."
UNSEAL_HEADING = "The vault is sealed"
UNSEAL_TEXT = "Agents get no credential until it is opened."
UNSEALED_NOW = "The vault is unsealed"
