"""What comes back from an authorization page: a code to exchange, or a refusal."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.oauth.failures import TokenError

MAX_CALLBACK = 16 * 1024

_QUERY = re.compile(r"(?:code|state|error|error_description|error_uri|iss|scope)=")
_VISIBLE = re.compile(r"[!-~]+")
_URL = re.compile(r"https?://", re.IGNORECASE)


class Callback(NamedTuple):
    """A code, the state it came with, and who says to have issued it (RFC 9207).

    State and issuer are empty if the text had none.
    """

    code: str
    state: str
    issuer: str = ""

    def __repr__(self) -> str:
        return "Callback(...)"


def parse_callback(text: str) -> Callback:
    """The code in what an operator pasted or a browser asked for: a bare code, `code#state`, a
    query, or the whole callback URL.

    Raises TokenError (final) when the provider refused, VaultError bad_request for anything else.
    """
    text = text.strip()
    if len(text) > MAX_CALLBACK or _VISIBLE.fullmatch(text) is None:
        raise VaultError("bad_request", "paste the code, or the whole address of the last page")
    if _URL.match(text):
        return _from_url(text)
    if _QUERY.match(text.removeprefix("?")):
        return _from_query(text.removeprefix("?"))
    code, _, state = text.partition("#")
    if not code or "#" in state or "=" in code.rstrip("=") or "&" in text:
        raise VaultError("bad_request", "that is neither a code nor a callback address")
    return Callback(code, state)


def _from_url(text: str) -> Callback:
    try:
        parts = urlsplit(text)
    except ValueError:
        raise VaultError("bad_request", "the callback address is malformed") from None
    return _from_query(parts.query or parts.fragment)


def _from_query(query: str) -> Callback:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise VaultError("bad_request", "the callback address is malformed") from None
    fields = dict(pairs)
    for name in ("code", "state", "error", "iss"):
        if sum(given == name for given, _ in pairs) > 1:
            raise VaultError("bad_request", f"the callback address has {name} twice")
    if error := fields.get("error"):
        detail = display_safe(fields.get("error_description", ""), 500)
        raise TokenError(
            final=True,
            code=display_safe(error, 64),
            detail=detail or "the provider refused the login",
        )
    code = fields.get("code", "")
    if not code:
        raise VaultError("bad_request", "the callback address holds no code")
    return Callback(code, fields.get("state", ""), fields.get("iss", ""))
