"""Accounts that other tools keep in files: Claude Code's own, and those of CCS with its registry.

Two owners of one refresh token end each other: the provider takes a token that comes twice for
stolen. So what was imported is to be replaced where it came from, by a text that stands for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.claude_code import PLACEHOLDER
from proxy_core.domain.oauth import TokenSet, pasted_tokens
from proxy_core.domain.oauth.pasted import MAX_PASTED

CLAUDE_FILE = ".credentials.json"
REGISTRY_FILE = "accounts.json"
_INSIDE = "claudeAiOauth"
_FAR = datetime.fromisoformat("2099-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registry says of an account. Times are RFC 3339, or empty."""

    email: str = ""
    nickname: str = ""
    created_at: str = ""
    last_used_at: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Importable:
    """An account in a file: its tokens' document as it stands there, and what they are."""

    document: Mapping[str, Any] = field(repr=False)
    tokens: TokenSet
    known: Registered

    @property
    def email(self) -> str:
        """As the registry or the file tells; empty where only the provider knows."""
        return self.known.email or self.tokens.subject.email


def read_registry(text: str) -> dict[str, Registered]:
    """CCS's `accounts.json`: its Claude accounts by their token file's name, and by e-mail.

    Raises VaultError bad_request when it is no registry.
    """
    providers = _object(text, "a registry of accounts").get("providers")
    claude = providers.get("claude") if isinstance(providers, Mapping) else None
    if not isinstance(claude, Mapping):
        return {}
    listed = claude.get("accounts")
    found: dict[str, Registered] = {}
    for key, entry in (listed if isinstance(listed, Mapping) else {}).items():
        if not isinstance(entry, Mapping):
            continue
        email = _text(entry, "email") or str(key)
        one = Registered(
            email=email,
            nickname=_text(entry, "nickname"),
            created_at=_time(entry, "createdAt"),
            last_used_at=_time(entry, "lastUsedAt"),
            is_default=claude.get("default") in (key, email),
        )
        found[email] = one
        if name := _text(entry, "tokenFile"):
            found[name] = one
    return found


def read_account(
    text: str, file_name: str, registry: Mapping[str, Registered], now: float
) -> Importable:
    """The account in a file's text. Raises VaultError bad_request, which shows no value of it."""
    document = _object(text, "tokens")
    tokens = pasted_tokens(document, now)
    known = registry.get(file_name) or registry.get(tokens.subject.email) or Registered()
    return Importable(document, tokens, known)


def placeholder_text(document: Mapping[str, Any]) -> str:
    """The file's new text: a placeholder for the access token, no refresh token, a far end.

    Whatever else stands in it stays.
    """
    inner = document.get(_INSIDE)
    if isinstance(inner, Mapping):
        dropped = ("refreshToken", "refreshTokenExpiresAt")
        kept = {name: value for name, value in inner.items() if name not in dropped}
        changed = {"accessToken": PLACEHOLDER, "expiresAt": _milliseconds()}
        result = {**document, _INSIDE: {**kept, **changed}}
    else:
        kept = {name: value for name, value in document.items() if name != "refresh_token"}
        ends = {
            "expired": _FAR.isoformat().replace("+00:00", "Z"),
            "expiry_date": _milliseconds(),
            "expires_at": int(_FAR.timestamp()),
        }
        changed_ends = {name: value for name, value in ends.items() if name in kept}
        result = {**kept, "access_token": PLACEHOLDER, **changed_ends}
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _milliseconds() -> int:
    return int(_FAR.timestamp() * 1000)


def _object(text: str, what: str) -> Mapping[str, Any]:
    if len(text) > MAX_PASTED:
        raise VaultError("bad_request", f"That is too long to hold {what}.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # The cause's text would show what stands there.
        raise VaultError("bad_request", f"That is no JSON with {what}.") from None
    if not isinstance(document, Mapping):
        raise VaultError("bad_request", f"That is no JSON object with {what}.")
    return document


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _time(fields: Mapping[str, Any], name: str) -> str:
    value = _text(fields, name)
    try:
        return value if value and datetime.fromisoformat(value).tzinfo else ""
    except ValueError:
        return ""
