"""Accounts, their quota, and pools."""

from typing import Any

import msgspec

from proxy_core.domain.wire.base import Request, Response


class QuotaWindow(Response):
    """One quota window. Shares are 0 to 1, null where only a status is known.

    `resets_at` null: no window is open. `family` is what models it limits, empty for all.
    `burn_per_hour` and `empty_in_seconds` are null while too little is known.
    """

    name: str
    used: float | None
    left: float | None
    resets_at: str | None
    status: str
    family: str
    warns: bool
    observed_at: str
    burn_per_hour: float | None = None
    empty_in_seconds: float | None = None


class AccountInfo(Response):
    """An account. `state` is active, cooling, exhausted, paused or reconnect; `until` its end.

    `limited` are families of models that are exhausted by themselves, with their resets.
    """

    id: str
    provider: str
    email: str
    nickname: str
    tier: str
    priority: int
    default: bool
    paused: bool
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    state: str
    until: str | None
    why: str
    windows: list[QuotaWindow]
    limited: dict[str, str]
    pools: list[str]
    in_flight: int
    next_refresh_at: str | None
    last_refresh_at: str | None
    refresh_count: int
    last_error: str
    quota_error: str
    quota_asked_at: str | None
    removed_at: str | None = None


class AccountList(Response):
    """`GET /v1/accounts`, by provider and priority."""

    accounts: list[AccountInfo]


class AddAccount(Request):
    """`POST /v1/accounts`. `tokens` is a document as tools keep them; it stands in no log.

    `join`: into the provider's pool; null: only if it would be alone there. `created_at` and
    `last_used_at` (RFC 3339) are for an account that another tool has kept until now.
    """

    provider: str
    tokens: dict[str, Any]
    vault: str = "default"
    nickname: str = ""
    email: str = ""
    tier: str = ""
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    join: bool | None = None
    created_at: str = ""
    last_used_at: str = ""


class AccountAdded(Response):
    """`pool` is the credential that the account serves, empty without; `created`: it is new.

    `suggested` is a pool that it may still join. `reconnected`: it was there, and has new tokens.
    """

    account: AccountInfo
    pool: str
    created: bool
    suggested: str = ""
    reconnected: bool = False


class ChangeAccount(Request):
    """`PATCH /v1/accounts/{name}`; what is null stays."""

    vault: str = "default"
    nickname: str | None = None
    priority: int | None = None
    tier: str | None = None


class PinAccount(Request):
    """Who uses this account alone: an agent by name, or a scoped session by id."""

    vault: str = "default"
    agent: str = ""
    session: str = ""


class Pinned(Response):
    """Answer of pinning; `account` is empty when the pin was taken away."""

    account: str
    agent: str = ""
    session: str = ""


class AccountRemoved(Response):
    """It can be brought back until then."""

    name: str
    removed: bool
    restorable_until: str


class PoolInfo(Response):
    """A pool: the credential `key` is one of these accounts, chosen by `strategy`."""

    key: str
    provider: str
    strategy: str
    accounts: list[str]
    settings: dict[str, Any]
    current: str


class PoolList(Response):
    """`GET /v1/pools`."""

    pools: list[PoolInfo]


class CreatePool(Request):
    """`POST /v1/pools`."""

    key: str
    accounts: list[str]
    vault: str = "default"
    strategy: str = "default-first"
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


class ChangePool(Request):
    """`PATCH /v1/pools/{key}`; what is null stays, settings that are not named too."""

    vault: str = "default"
    strategy: str | None = None
    settings: dict[str, Any] | None = None


class PoolMembers(Request):
    """`POST /v1/pools/{key}/accounts`: join at the end."""

    accounts: list[str]
    vault: str = "default"


class AccountChoice(Response):
    """A choice of a pool: `former` is the account before it, empty for the first."""

    at: str
    account: str
    former: str
    reason: str


class PoolChoices(Response):
    """`GET /v1/pools/{key}/choices`: the account a new conversation would get, and the latest.

    `next` is empty when none can be used; `reason` says why in both cases.
    """

    key: str
    next: str
    reason: str
    until: str | None
    latest: list[AccountChoice]
