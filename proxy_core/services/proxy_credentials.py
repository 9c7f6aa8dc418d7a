"""The Proxy-Authorization field, read strictly: a token, and the vault it is meant for."""

import base64
import binascii
import re
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

MAX_BYTES: Final = 1024
_VAULT_SHOWN: Final = 64
_TOKEN = re.compile(r"vt_(?:agt|sess)_[0-9a-f]{64}", re.ASCII)


def parse_proxy_authorization(field: bytes | None) -> tuple[str, str | None]:
    """(token, vault or None) of `Basic base64(token[:vault])` or `Bearer token`.

    The vault is made fit to be logged; a name that needed it cannot exist. Raises VaultError:
    proxy_auth_required.
    """
    if not field:
        raise VaultError("proxy_auth_required")
    if len(field) > MAX_BYTES:
        raise _malformed()
    scheme, _, value = field.strip(b" \t").partition(b" ")
    value = value.strip(b" ")
    if scheme.lower() == b"basic":
        token, vault = _basic(value)
    elif scheme.lower() == b"bearer":
        token, vault = value.decode("ascii", "replace"), ""
    else:
        raise _malformed()
    if not _TOKEN.fullmatch(token):
        raise VaultError(
            "proxy_auth_required", "The user name is not an agent's or session's token."
        )
    return token, display_safe(vault, _VAULT_SHOWN) or None


def _basic(value: bytes) -> tuple[str, str]:
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise _malformed() from None
    token, _, vault = text.partition(":")
    return token, vault


def _malformed() -> VaultError:
    return VaultError("proxy_auth_required", "Proxy-Authorization is malformed.")
