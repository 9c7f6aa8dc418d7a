"""How clients present an agent's token, read strictly: a token, and the vault it is meant for.

A token is one of the vault's own (`vt_agt_…`, `vt_sess_…`) or a JWT, which an issuer that the
worker trusts has to vouch for. A vault's name may follow it behind a colon.
"""

import base64
import binascii
import re
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

MAX_BYTES: Final = 1024
MAX_JWT_BYTES: Final = 12 * 1024
_VAULT_SHOWN: Final = 64
_TOKEN = re.compile(r"vt_(?:agt|sess)_[0-9a-f]{64}", re.ASCII)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# A JWT begins with `{"` in base 64 (eyJ), which base 64 makes ZXlK of.
_JWT_FIELD = re.compile(rb"[ \t]*(?:[Bb][Ee][Aa][Rr][Ee][Rr] +eyJ|[Bb][Aa][Ss][Ii][Cc] +ZXlK)")
_ANY_OF_OURS = re.compile(rb"vt_(?:agt|sess|user|page|appr)_[0-9a-f]{16}")


def parse_authorization(field: bytes | None) -> tuple[str, str | None]:
    """(token, vault or None) of `Basic base64(token[:vault])` or `Bearer token[:vault]`.

    The vault is made fit to be logged; a name that needed it cannot exist. Raises VaultError:
    proxy_auth_required.
    """
    if not field:
        raise VaultError("proxy_auth_required")
    if len(field) > (MAX_JWT_BYTES if carries_jwt(field) else MAX_BYTES):
        raise _malformed()
    scheme, _, value = field.strip(b" \t").partition(b" ")
    value = value.strip(b" ")
    if scheme.lower() == b"basic":
        text = _decoded(value)
    elif scheme.lower() == b"bearer":
        text = value.decode("ascii", "replace")
    else:
        raise _malformed()
    token, _, vault = text.partition(":")
    if not _TOKEN.fullmatch(token) and not is_jwt(token):
        raise VaultError("proxy_auth_required", "What was sent is no agent's or session's token.")
    return token, display_safe(vault, _VAULT_SHOWN) or None


def is_jwt(token: str) -> bool:
    """Whether it has the shape of a signed JWT, and is none of the vault's own tokens."""
    return _JWT.fullmatch(token) is not None


def carries_jwt(field: bytes | None) -> bool:
    """Whether an issuer has to be asked about this field. Costs next to nothing."""
    return field is not None and _JWT_FIELD.match(field) is not None


def for_gateway(authorization: bytes | None, api_key: bytes | None) -> bytes | None:
    """Which of a gateway client's two fields presents its token, as `parse_authorization` reads it.

    Some clients send the token in both, some send a key of their own beside it: a token of the
    vault's own goes before a JWT, a JWT before anything else. Raises VaultError bad_request when
    the fields hold two tokens.
    """
    fields = [authorization] if authorization else []
    if api_key:
        fields.append(b"Bearer " + api_key)
    found: dict[tuple[str, str | None], bytes] = {}
    for field in fields:
        try:
            found.setdefault(parse_authorization(field), field)
        except VaultError:
            continue
    own = {key: field for key, field in found.items() if not is_jwt(key[0])}
    chosen = list((own or found).values())
    if len(chosen) > 1:
        raise VaultError("bad_request", "Authorization and x-api-key hold two different tokens.")
    return chosen[0] if chosen else next(iter(fields), None)


def holds_own(text: bytes) -> bool:
    """Whether a token of the vault's own stands in the text, whatever it is good for."""
    return _ANY_OF_OURS.search(text) is not None


def bears(value: bytes, presented: bytes) -> bool:
    """Whether a field's value holds the token that was `presented`, or any of the vault's own."""
    if holds_own(value):
        return True
    try:
        token, _ = parse_authorization(presented)
        return token.encode() in value or parse_authorization(value)[0] == token
    except VaultError:
        return False


def _decoded(value: bytes) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise _malformed() from None


def _malformed() -> VaultError:
    return VaultError("proxy_auth_required", "The field that should hold a token is malformed.")
