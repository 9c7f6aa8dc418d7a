"""What Claude Code's gateway protocol says: its documents, codes, errors and times.

A device asks to sign in (RFC 8628), a person approves its code, and it gets an access token for an
hour with a refresh token (RFC 6749 6) that is good once. All endpoints stand below one base URL.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import SLUG_MAX

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
REFRESH_GRANT: Final = "refresh_token"

DISCOVERY_PATH: Final = "/.well-known/oauth-authorization-server"
DEVICE_PATH: Final = "/oauth/device_authorization"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
REVOCATION_PATH: Final = "/oauth/revoke"
PAGE_PATH: Final = "/device"

REQUEST_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 5
SLOWER_SECONDS: Final = 5
ACCESS_SECONDS: Final = 3600
REFRESH_SECONDS: Final = 30 * 86_400
MOST_ACCESS: Final = 60
"""Access tokens of one device that are good at the same time: dozens of programs share a login."""
REPEAT_SECONDS: Final = 30
"""So long after its first use a refresh token may come again: two programs share one login."""

CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 6.1: no vowels, so no words; nothing that looks like something else."""
CODE_LENGTH: Final = 8
MAX_EMAIL: Final = 254
MAX_SETTINGS: Final = 256 * 1024

_CODE = re.compile(f"[{CODE_LETTERS}]{{{CODE_LENGTH}}}")
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MOST_FIELDS = 32


class OAuthRefusal(Exception):
    """An error of an OAuth endpoint, in RFC 6749's words: `error`, and a status beside 400."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status

    @property
    def document(self) -> dict[str, str]:
        """The body."""
        return {"error": self.error, "error_description": self.description}


def metadata(base: str) -> dict[str, Any]:
    """The discovery document (RFC 8414) of the gateway at `base`, without a slash at its end."""
    return {
        "issuer": base,
        "device_authorization_endpoint": base + DEVICE_PATH,
        "token_endpoint": base + TOKEN_PATH,
        "revocation_endpoint": base + REVOCATION_PATH,
        "grant_types_supported": [DEVICE_GRANT, REFRESH_GRANT],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "response_types_supported": [],
    }


def shown_code(letters: str) -> str:
    """A user code as people read it: `WDJB-MJHT`."""
    return f"{letters[:4]}-{letters[4:]}"


def normal_code(text: str) -> str:
    """A user code as typed, in the spelling of `shown_code`; empty when it is none."""
    letters = re.sub(r"[\s-]", "", text[:32]).upper()
    return shown_code(letters) if _CODE.fullmatch(letters) else ""


def form_of(body: bytes) -> dict[str, str]:
    """A form's fields, those without a value left out (RFC 6749 3.2). Unknown ones are no harm.

    Raises OAuthRefusal: invalid_request.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise OAuthRefusal("invalid_request", "The body is no form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthRefusal("invalid_request", "A parameter is repeated.")
    return fields


def required(fields: Mapping[str, str], name: str) -> str:
    """A parameter. Raises OAuthRefusal: invalid_request."""
    value = fields.get(name, "")
    if not value:
        raise OAuthRefusal("invalid_request", f"The parameter {name} is missing.")
    return value


def check_email(text: str) -> str:
    """Whose login it is, as Claude Code shows it; may be empty. Raises VaultError: bad_request."""
    email = text.strip()
    if email and (len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email)):
        raise VaultError("bad_request", "email must be an e-mail address of ASCII characters")
    return email


def agent_name_for(email: str, address: str) -> str:
    """A name for a new agent: by the e-mail's first part, else by the client's address."""
    source = email.partition("@")[0] or f"claude-{address}"
    name = _NOT_IN_NAMES.sub("-", source.lower()).strip("-")
    return (name if len(name) >= 3 else f"claude-{name}").strip("-")[: SLUG_MAX - 4].strip("-")


# --- managed settings ----------------------------------------------------------------------------


def canonical(settings: Mapping[str, Any]) -> str:
    """Settings as JSON: keys in order at every level, no white space, as JavaScript writes it."""
    return json.dumps(_ordered(settings), ensure_ascii=False, separators=(",", ":"))


def checksum(settings: Mapping[str, Any]) -> str:
    """By which Claude Code tells one version of its settings from another."""
    return "sha256:" + hashlib.sha256(canonical(settings).encode()).hexdigest()


def check_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Managed settings that can be stored and hashed. Raises VaultError: bad_request."""
    try:
        size = len(canonical(settings).encode())
    except (ValueError, RecursionError):  # lone surrogates, NaN, too deep
        raise VaultError("bad_request", "The settings can't be written as JSON.") from None
    if size > MAX_SETTINGS:
        raise VaultError("bad_request", f"The settings may have {MAX_SETTINGS} bytes at most.")
    return dict(settings)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an `If-None-Match` field names the quoted `etag` (weakly: RFC 9110 13.1.2)."""
    given = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return etag in given


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        # JavaScript compares strings by UTF-16 code units.
        keys = sorted(value, key=lambda key: str(key).encode("utf-16-be"))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [_ordered(one) for one in value]
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("no JSON number")
        return int(value) if value.is_integer() else value
    return value
