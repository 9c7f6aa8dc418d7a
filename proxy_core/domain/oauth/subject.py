"""Whose tokens they are, as far as a provider's answer tells."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.oauth.tokens import Subject

MAX_TEXT = 320

_Path = tuple[str, ...]
# Where providers say it. The ID token stands under "id_token" once it has been read.
_EMAIL: tuple[_Path, ...] = (
    ("account", "email_address"),  # Anthropic
    ("owner", "user", "person", "email"),  # Notion
    ("email",),
    ("id_token", "email"),
)
_ACCOUNT: tuple[_Path, ...] = (
    ("account", "uuid"),
    ("accountUuid",),  # Claude Code's file
    ("owner", "user", "id"),
    ("authed_user", "id"),  # Slack
    ("account_id",),  # Dropbox
    ("id_token", "sub"),
)
_ORGANIZATION: tuple[_Path, ...] = (
    ("organization", "uuid"),
    ("organizationUuid",),
    ("workspace_id",),
    ("team", "id"),
    ("id_token", "tid"),  # Microsoft
    ("id_token", "hd"),  # Google
)
_NAME: tuple[_Path, ...] = (
    ("organization", "name"),
    ("workspace_name",),
    ("team", "name"),
    ("id_token", "name"),
)
# What the account may use, as Claude Code keeps it.
_TIER: tuple[_Path, ...] = (("rateLimitTier",), ("subscriptionType",))


def subject_of(fields: Mapping[str, Any]) -> Subject:
    """The subject in a token reply's fields.

    An ID token is read without checking its signature: it came straight from the token endpoint
    over TLS (OpenID Connect Core 3.1.3.7), and what it says here is for show, not for trust.
    """
    known = {**fields, "id_token": _claims(fields.get("id_token"))}
    return Subject(
        email=_first(known, _EMAIL),
        account_id=_first(known, _ACCOUNT),
        organization_id=_first(known, _ORGANIZATION),
        name=_first(known, _NAME),
        tier=_first(known, _TIER),
    )


def _first(fields: Mapping[str, Any], paths: tuple[_Path, ...]) -> str:
    for path in paths:
        value: Any = fields
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value:
            return display_safe(value, MAX_TEXT)
    return ""


def _claims(token: object) -> Mapping[str, Any]:
    if not isinstance(token, str) or token.count(".") != 2:
        return {}
    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, Mapping) else {}
