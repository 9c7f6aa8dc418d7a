"""Words of external stores that back vaults."""

from collections.abc import Mapping

# --- the line above the credentials -------------------------------------------------------------
KINDS: Mapping[str, str] = {"hashicorp": "HashiCorp Vault", "infisical": "Infisical"}
STATES: Mapping[str, tuple[str, str, str]] = {
    "ok": ("●", "ok", "success"),
    "failing": ("✗", "failing", "error"),
    "waiting": ("○", "not read yet", "warning"),
}
READ = "  read {ago}"
READ_ONLY = "  read-only here"
SKIPPED = "  {count} skipped"
KEY = "  o store"
WHERE = "{kind}  "
ERROR = "what it held last serves: {error}"
HELD = " · {kind} ({state})"

# --- why an action cannot run -------------------------------------------------------------------
WHY_BACKED = "this vault's credentials come from its external store, and are changed there"
WHY_NOT_EMPTY = (
    "Only an empty vault can be backed by a store: reading it would delete what this one has"
)

# --- what can be done ---------------------------------------------------------------------------
TITLE = "External store of vault {vault}"
POLL = "read it now"
AGAIN = "another store, or other secrets for it"
REMOVE = "disconnect it: the credentials stay, as the vault's own"
REMOVE_TITLE = "Disconnect vault {vault} from its store?"
REMOVE_TEXT = (
    "{place}\nis read no more. The credentials stay as they are now, and can be changed here."
)
REMOVE_BUTTON = "Disconnect"
REMOVED = "Vault {vault} has no external store any more"
READ_WELL = "The store of vault {vault} is read"
READ_BADLY = "The store of vault {vault} can't be read: {error}"
SKIPPED_NAMES = "Skipped, for they can't be credentials here: {names}"

# --- the form -----------------------------------------------------------------------------------
FORM_TITLE = "Let an external store back vault {vault}"
FORM_KEYS = "Enter connect · Esc close"
FORM_NOTE = "The vault's credentials are then what the store holds, read-only."
KIND = "store"
WAYS: Mapping[str, str] = {
    "token": "HashiCorp Vault (KV version 2), with a token",
    "approle": "HashiCorp Vault (KV version 2), with AppRole",
    "infisical": "Infisical, with a machine identity",
}
URL = "address"
URL_HINT = "https://vault.example.com:8200"
PATH = "path"
PATH_HINT = "MOUNT/PATH of the secret"
FOLDER = "folder"
FOLDER_HINT = "/ unless another"
MOUNT = "mount"
MOUNT_HINT = "the engine's path, if it has slashes; the path is below it then"
NAMESPACE = "namespace"
NAMESPACE_HINT = "of HashiCorp Vault Enterprise"
TOKEN = "token"  # noqa: S105 - a label
ROLE_ID = "role id"
SECRET_ID = "secret id"  # noqa: S105 - a label
PROJECT = "project"
PROJECT_HINT = "its id"
ENVIRONMENT = "environment"
ENVIRONMENT_HINT = "its slug, such as prod"
CLIENT_ID = "client id"
CLIENT_SECRET = "client secret"  # noqa: S105 - a label
IMPORTS = "imports"
IMPORTS_WAYS: Mapping[str, str] = {"yes": "what the folder imports, too", "no": "left out"}
RECURSIVE = "folders below"
RECURSIVE_WAYS: Mapping[str, str] = {"no": "left out", "yes": "too; the folder itself comes first"}
INTERVAL = "interval (s)"
NEEDS = "Give the {name}."
INTERVAL_WRONG = "The interval is a number of seconds."

# --- events -------------------------------------------------------------------------------------
EVENTS: Mapping[str, str] = {
    "source.synced": "Vault {name} was read from its store anew",
    "source.failed": "The store of vault {name} can't be read: {error}",
}
