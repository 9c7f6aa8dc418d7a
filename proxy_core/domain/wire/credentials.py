"""Credentials and their versions."""

import msgspec

from proxy_core.domain.wire.base import Request, Response


class CredentialInfo(Response, omit_defaults=True):
    """One credential. `value` only when revealed. `last_used_at` as the worker remembers it.

    `version` of an OAuth credential counts its tokens. What follows `state` is told of OAuth
    credentials alone; `last_error` is redacted.
    """

    key: str
    type: str
    version: int = msgspec.field(default=0)
    created_at: str = ""
    updated_at: str = ""
    last_used_at: str = ""
    used_by: list[str] = msgspec.field(default_factory=list)
    state: str = "ok"
    """`ok`, or `unreadable`: the ciphertext fails authentication.

    Of commands `unapproved`, or `failing` (the last run gave no value). Of OAuth credentials also
    `pending` (never connected), `failing` (the last refresh failed, the token still serves),
    `expired`, `reconnect` (refused for good: connect it anew).
    """
    command: list[str] = msgspec.field(default_factory=list)
    """Of a credential that a command tells: what is run."""
    expires_at: str = ""
    next_refresh_at: str = ""
    last_refresh_at: str = ""
    refresh_count: int = 0
    last_error: str = ""
    value: str | None = None


class CredentialList(Response, omit_defaults=True):
    """`GET /v1/credentials`. Proxy role: `keys` alone."""

    keys: list[str]
    credentials: list[CredentialInfo] | None = None


class SetCredentials(Request):
    """`POST /v1/credentials`."""

    credentials: dict[str, str]
    vault: str = "default"


class CredentialsSet(Response):
    """Answer of SetCredentials."""

    set: list[str]


class DeleteCredentials(Request):
    """`DELETE /v1/credentials`."""

    keys: list[str]
    vault: str = "default"


class CredentialsDeleted(Response):
    """Answer of DeleteCredentials."""

    deleted: list[str]


class CredentialVersion(Response):
    """An old or the current value's metadata."""

    version: int
    created_at: str
    current: bool


class CredentialHistory(Response):
    """`GET /v1/credentials/{key}/versions?vault`, newest first."""

    key: str
    versions: list[CredentialVersion]


class RestoreCredential(Request):
    """`POST /v1/credentials/{key}/restore`: an old value becomes a new version."""

    version: int
    vault: str = "default"
