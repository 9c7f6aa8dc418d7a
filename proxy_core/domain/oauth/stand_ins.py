"""Texts that stand for a login's tokens where only the vault may have the real ones.

They begin and end with `__`, as every placeholder for a secret does here, and name their login. To
know one is of no use: it is worth nothing at a provider, and the vault gives nothing else for it.
"""

import re

_ID = r"[0-9A-Za-z]{1,64}"
_STAND_IN = re.compile(rf"__vault-tui-(?:access|refresh)-({_ID})__", re.ASCII)


def access_stand_in(login_id: str) -> str:
    """What an agent has as this login's access token."""
    return f"__vault-tui-access-{login_id}__"


def refresh_stand_in(login_id: str) -> str:
    """What an agent has as this login's refresh token."""
    return f"__vault-tui-refresh-{login_id}__"


def is_stand_in(token: str) -> bool:
    """Whether it is any text that stands for a token, whoever wrote it down."""
    return len(token) > 4 and token.startswith("__") and token.endswith("__")


def login_of(token: str) -> str:
    """The id of the login that one of ours stands for; empty for any other text."""
    found = _STAND_IN.fullmatch(token)
    return found[1] if found else ""
