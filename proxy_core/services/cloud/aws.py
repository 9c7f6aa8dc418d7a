"""From a service of type `aws-sigv4` to what signs its requests."""

import asyncio
from collections.abc import Callable

from proxy_core.cloud import sigv4
from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.injection import Secret
from proxy_core.domain.secret_values import invalid_value
from proxy_core.domain.service import Auth

_PRINTABLE = frozenset(range(0x21, 0x7F))


class AwsSigning:
    """`load` imports the library that signs; it runs in a thread, once."""

    def __init__(self, load: Callable[[], None] = sigv4.load) -> None:
        self._load = load
        self._loaded = False

    async def ready(self) -> None:
        """Before the first `signer`. Raises VaultError: signing_failed (botocore is missing)."""
        if not self._loaded:
            await asyncio.to_thread(self._load)
            self._loaded = True

    def signer(self, auth: Auth, secret: Secret) -> AwsSigner:
        """What signs one request: the stored keys, or those of the role that are lent for them.

        Raises VaultError: substitution_invalid for what can't be a key, and as `secret` does.
        """
        if auth.role_arn:
            keys = AwsKeys.unpacked(secret(auth.secret_access_key))
        else:
            keys = stored_keys(auth, secret)
        return AwsSigner(keys, auth.service, auth.region)


def stored_keys(auth: Auth, secret: Secret) -> AwsKeys:
    """The keys that an auth names. Raises VaultError as `AwsSigning.signer`."""
    session_token = _text(auth.session_token, secret) if auth.session_token else ""
    return AwsKeys(
        _text(auth.access_key_id, secret), _text(auth.secret_access_key, secret), session_token
    )


def _text(key: str, secret: Secret) -> str:
    value = secret(key).strip()
    if not value or not _PRINTABLE.issuperset(value):
        why = "is no AWS key: it holds blanks or other than ASCII, or is empty"
        raise invalid_value(key, why)
    return value.decode("ascii")
