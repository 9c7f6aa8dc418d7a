"""What every body shares: strict requests, and a repr that shows no secret."""

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

_SECRET_FIELDS = frozenset(
    {
        "secret",
        "token",
        "tokens",
        "password",
        "current_password",
        "new_password",
        "av_agent_token",
        "value",
        "access_token",
        "refresh_token",
        "client_secret",
        "private_key",
        "pasted",
        # holds the token by which the proposal may be read
        "approval_url",
        # holds the state, which only the browser that was sent there may bring back
        "authorization_url",
    }
)


class Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of what clients send. Its repr shows no secret.

    `HIDDEN` names fields that are secret in this struct alone.
    """

    HIDDEN: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return _discreet(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(_shown(self))


class Response(msgspec.Struct, kw_only=True):
    """Base of what the worker answers. Its repr shows no secret."""

    def __repr__(self) -> str:
        return _discreet(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(_shown(self))


def _discreet(struct: msgspec.Struct) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in _shown(struct))
    return f"{type(struct).__name__}({fields})"


def _shown(struct: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Fields as they may stand in a traceback; names of credentials, never their values."""
    hidden = _SECRET_FIELDS | getattr(struct, "HIDDEN", frozenset())
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if name in hidden and value:
            yield name, "…"
        elif name == "credentials" and isinstance(value, dict):
            yield name, dict.fromkeys(value, "…")
        else:
            yield name, value
