"""Access tokens that are minted from a stored key: whose, and how they are sent.

The key itself goes nowhere but to the one endpoint that issues tokens for it; requests get the
token in its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.aws_role import sts_endpoint
from proxy_core.domain.service import Auth, AuthType, Service

# The field that names the key.
_KEY_FIELD = {
    AuthType.AWS_SIGV4: "secret_access_key",  # exchanged for a role's keys where there is one
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
    """The credential key from which tokens are minted; empty: the auth uses what is stored."""
    if auth.type is AuthType.AWS_SIGV4 and not auth.role_arn:
        return ""
    field = _KEY_FIELD.get(auth.type)
    return getattr(auth, field) if field is not None else ""


def keys_beside(auth: Auth) -> tuple[str, ...]:
    """The credential keys that minting needs besides the `minted_key`."""
    if auth.type is not AuthType.AWS_SIGV4:
        return ()
    keys = (auth.access_key_id, auth.session_token)
    return tuple(key for key in keys if key)


def recipe_of(service: Service) -> Recipe:
    """The recipe of a service whose auth has a `minted_key`.

    Of a role's: the host is that of the STS that gives out its keys, which count everywhere. Raises
    VaultError bad_request as `sts_endpoint`, which no service does that was parsed.
    """
    auth = service.auth
    if auth.type is not AuthType.AWS_SIGV4:
        return Recipe(auth, service.host)
    sts = sts_endpoint(auth, service.host)
    return Recipe(replace(auth, region=sts.region, service=""), sts.host)


def minted_secrets(auth: Auth, key: str, value: bytes) -> Iterable[bytes]:
    """What of credential `key`'s value, as it is lent, no response may show to an agent."""
    if auth.type is AuthType.AWS_SIGV4 and key == minted_key(auth):
        keys = AwsKeys.unpacked(value)
        texts = (keys.session_token, keys.secret_access_key, keys.access_key_id)
        return [text.encode("ascii") for text in texts]
    return [value]
