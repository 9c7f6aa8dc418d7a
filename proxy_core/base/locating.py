"""Where the data directory is, as a plain text; imports nothing that costs time.

Some command lines have 50 ms for everything. `paths.Home` is for all the others.
"""

import os
import sys

from proxy_core.base import variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def home_path(environ: "Mapping[str, str]", override: str = "") -> str:
    """The absolute path that `override`, `VAULT_TUI_HOME` or the platform names."""
    chosen = override or environ.get(variables.HOME, "")
    return os.path.abspath(os.path.expanduser(chosen) if chosen else _user_data(environ))  # noqa: PTH100, PTH111 - pathlib costs 10 ms


def _user_data(environ: "Mapping[str, str]") -> str:
    user = os.path.expanduser(environ.get("HOME") or "~")  # noqa: PTH111 - as above
    if sys.platform == "darwin":
        return f"{user}/Library/Application Support/vault-tui"
    data = environ.get("XDG_DATA_HOME", "")
    return f"{data if data.startswith('/') else user + '/.local/share'}/vault-tui"
