"""Ready client configurations of well-known providers, from `presets.json`.

A preset knows the provider's endpoints and manners; an operator adds the client id and secret of
an application of their own, and the scopes they need. Scopes given here ask for little.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.oauth.client import OAuthClient


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider: `client` lacks what its operator must fill in, `obtain` says where to get it."""

    id: str
    name: str
    obtain: str
    client: OAuthClient


@cache
def presets() -> tuple[Preset, ...]:
    """All presets, by name."""
    data = files("proxy_core.domain.oauth").joinpath("presets.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[Preset, ...])


def preset(preset_id: str) -> Preset:
    """The preset of that id. Raises VaultError not_found."""
    for candidate in presets():
        if candidate.id == preset_id:
            return candidate
    raise VaultError("not_found", f"there is no OAuth preset {display_safe(preset_id, 80)}")


def preset_at(token_url: str, authorization_url: str = "") -> Preset | None:
    """The preset of the provider with these endpoints, as somebody else has named them.

    Tokens must come from the preset's very URL; of the page that people see, which has had several
    addresses at some providers, the origin is enough.
    """
    for candidate in presets():
        client = candidate.client
        pages = (authorization_url or client.authorization_url, client.authorization_url)
        if token_url == client.token_url and len({_origin(page) for page in pages}) == 1:
            return candidate
    return None


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme, parts.netloc.lower()
