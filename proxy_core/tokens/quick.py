"""What `auth token` can answer in 50 ms: a cached token, or that there is none to be had.

Imports nothing of ours but two modules that import next to nothing.
"""

import os
import time

from proxy_core.base.locating import home_path
from proxy_core.tokens import kernel_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY = "login"
LOGIN_FILE = "login.json"


def cached_token(environ: "Mapping[str, str]") -> str | None:
    """The token that the kernel keeps for the home that `environ` names."""
    return kernel_cache.cached(home_path(environ))


def has_tokens(environ: "Mapping[str, str]") -> bool:
    """Whether a token is kept there that lives or can be refreshed. In doubt: yes, look closely."""
    try:
        with open(f"{home_path(environ)}/{DIRECTORY}/{LOGIN_FILE}", "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms
            content = file.read()
        import json

        login = json.loads(content)
        ends = login["expires_at"]
        lives = ends is None or time.time() < ends
        return bool(login["kept"]) and (lives or bool(login["refreshable"]))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True


def can_ask(environ: "Mapping[str, str]") -> bool:
    """Whether a person can be asked to sign in: at a terminal, and not in a build's."""
    return not environ.get("CI") and os.isatty(0) and os.isatty(2)
