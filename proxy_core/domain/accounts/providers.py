"""What accounts need to know of a provider, beside how to log in (`domain.oauth.presets`)."""

import re
from dataclasses import dataclass

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provider:
    """`preset` is its OAuth preset, `pool_key` the credential that its first account creates.

    `usage_url` tells an account's quota to its own access token; empty where there is none.
    """

    id: str
    preset: str
    pool_key: str
    usage_url: str = ""
    usage_headers: tuple[tuple[str, str], ...] = ()


CLAUDE = Provider(
    "claude",
    "anthropic",
    "ANTHROPIC",
    "https://api.anthropic.com/api/oauth/usage",
    (("anthropic-beta", "oauth-2025-04-20"), ("accept", "application/json")),
)
_BY_NAME = {"claude": CLAUDE, "anthropic": CLAUDE}


def provider(name: str) -> Provider:
    """A provider by its name; one that has nothing of its own is called like its preset.

    Raises VaultError bad_request when the name is none.
    """
    plain = name.strip().lower()
    if known := _BY_NAME.get(plain):
        return known
    if not _ID.fullmatch(plain):
        raise VaultError("bad_request", f"{display_safe(repr(name), 80)} is no provider's name.")
    return Provider(plain, plain, plain.upper().replace("-", "_"))
