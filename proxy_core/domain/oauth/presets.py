"""Ready client configurations of well-known providers, from `presets.json`."""

from dataclasses import dataclass

from proxy_core.domain.oauth.client import OAuthClient


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider: `client` lacks what its operator must fill in, `obtain` says where to get it."""

    id: str
    name: str
    obtain: str
    client: OAuthClient


def presets() -> tuple[Preset, ...]:
    """All presets, by name."""
    raise NotImplementedError


def preset(preset_id: str) -> Preset:
    """The preset of that id. Raises VaultError not_found."""
    raise NotImplementedError
