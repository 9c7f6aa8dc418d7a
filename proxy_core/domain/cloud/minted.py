"""Access tokens that are minted from a stored key: whose, and how they are sent.

The key itself goes nowhere but to the one endpoint that issues tokens for it; requests get the
token in its place.
"""

from dataclasses import dataclass

from proxy_core.domain.service import Auth, AuthType, Service

# The field that names the key.
_KEY_FIELD = {
    AuthType.GCP: "key",
    AuthType.AZURE: "client_secret",  # empty where a resource's key is sent as it is
    AuthType.GITHUB_APP: "private_key",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a token depends on beside the key: the same for services that can share it."""

    auth: Auth
    host: str


def minted_key(auth: Auth) -> str:
    """The credential key from which tokens are minted; empty: the auth sends what is stored."""
    field = _KEY_FIELD.get(auth.type)
    return getattr(auth, field) if field is not None else ""


def recipe_of(service: Service) -> Recipe:
    """The recipe of a service whose auth has a `minted_key`."""
    return Recipe(service.auth, service.host)
