"""A JWT taken apart, before anything of it is believed (RFC 7515 3.1, RFC 7519 7.2).

Read strictly: base 64 without padding, JSON objects in UTF-8, bounded in size. What asks for
more than a signature to be looked at (`crit`, a key that the sender has to prove, another kind of
token) is refused: to pass over it would be to accept less than the issuer meant.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain.agent_tokens import MAX_JWT_BYTES, is_jwt

MAX_KEY_ID: Final = 256
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True)
class Presented:
    """What a token says of itself. `key_id` is empty when its header names no key."""

    algorithm: str
    key_id: str
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def issuer(self) -> str:
        """Who it says has issued it; empty when it says nothing of use."""
        found = self.claims.get("iss")
        return found if isinstance(found, str) else ""


def present(token: str) -> Presented:
    """Take a token apart. Raises VaultError unauthorized, which says what is wrong."""
    if len(token) > MAX_JWT_BYTES:
        raise refused("it is too large")
    if not is_jwt(token):
        raise refused("it is malformed")
    parts = token.split(".")
    header, claims = _object(parts[0]), _object(parts[1])
    _check_header(header)
    return Presented(
        algorithm=_text(header, "alg", required=True),
        key_id=_text(header, "kid"),
        claims=claims,
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=_decoded(parts[2]),
    )


def refused(why: str) -> VaultError:
    """The answer to a JWT that counts for nothing here."""
    return VaultError("unauthorized", f"The JWT is refused: {why}.")


def _check_header(header: Mapping[str, Any]) -> None:
    if "crit" in header:
        raise refused("its header asks for extensions that are not known here")
    if _text(header, "typ").lower() not in {"", *_TYPES}:
        raise refused("it is a token of another kind")


def _text(header: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    value = header.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_KEY_ID or (required and not value):
        raise refused(f"its header has no usable {name}")
    return value


def _object(part: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(_decoded(part), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise refused("it is malformed") from None


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise refused("it is malformed") from None
