"""The field `X-Vault-Tui-Signature`, by which a receiver knows that we have sent a body, and when.

    t=1750000000,v1=HEX[,v1=HEX]

HEX is HMAC-SHA256 over the bytes `1750000000.BODY`, under the webhook's secret as UTF-8, whole with
its prefix. For a while after the secret was changed there is one HEX for the new secret and one for
the one before: either may match. A receiver compares in constant time and refuses an old `t`.
"""

import hashlib
import hmac
from collections.abc import Sequence


def signature(secrets: Sequence[str], now: int, body: bytes) -> str:
    """The field's value. `now` is in epoch seconds."""
    signed = f"{now}.".encode() + body
    codes = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={now}", *(f"v1={code}" for code in codes)))
