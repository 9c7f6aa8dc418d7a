"""Keys of roles, which AWS' Security Token Service lends for stored ones."""

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256

from proxy_core.base.errors import VaultError
from proxy_core.cloud import sigv4
from proxy_core.cloud.sigv4 import ToSign
from proxy_core.domain.cloud.aws_hosts import AwsScope
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.cloud.sts import CONTENT_TYPE, assume_role_form, parse_assumed
from proxy_core.domain.injection import Secret
from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.cloud.aws import stored_keys


class AssumedRoles:
    """Asks STS. Keeps nothing. `clock` tells epoch seconds."""

    def __init__(self, http: GuardedHttp, clock: Callable[[], float] = time.time) -> None:
        self._http = http
        self._clock = clock

    async def mint(self, recipe: Recipe, secret: Secret) -> TokenSet:
        """Keys of the recipe's role, packed; `secret` answers the stored keys.

        Raises TokenError; VaultError signing_failed (botocore is missing).
        """
        try:
            keys = stored_keys(recipe.auth, secret)
        except VaultError as error:
            raise TokenError(True, "invalid_key", error.detail) from None
        await asyncio.to_thread(sigv4.load)
        form = assume_role_form(recipe.auth)
        fields = signed_fields(recipe, keys, form)
        reply = await self._http.post(f"https://{recipe.host}/", fields, form)
        secrets = keys.packed().split()
        return parse_assumed(reply.status, reply.headers, reply.body, tuple(secrets), self._clock())


def signed_fields(recipe: Recipe, keys: AwsKeys, form: bytes) -> dict[str, str]:
    """The header fields, Host apart, of a form for the recipe's STS."""
    kind = (b"Content-Type", CONTENT_TYPE.encode("ascii"))
    request = ToSign(
        method="POST",
        scheme="https",
        host_field=recipe.host,
        target="/",
        headers=(kind,),
        payload=sha256(form).hexdigest(),
    )
    signature = sigv4.sign(request, keys, AwsScope("sts", recipe.auth.region))
    return {name.decode("ascii"): value.decode("ascii") for name, value in (kind, *signature)}
