"""The request log, discovered hosts, and the worker's settings."""

from typing import Any

from proxy_core.domain.traffic import RequestRecord
from proxy_core.domain.wire.base import Request, Response


class LogEntry(RequestRecord, frozen=True, kw_only=True, gc=False):
    """A row of the log: `created_at` says `started_at` in the API's words for times."""

    created_at: str


class LogPage(Response):
    """`GET /v1/vaults/{v}/logs`, newest first. `next_cursor` null: no older rows."""

    logs: list[LogEntry]
    next_cursor: str | None
    latest_id: int


class DiscoveredHost(Response):
    """A host that was seen without a service."""

    host: str
    port: int
    requests: int
    last_seen_at: str


class DiscoveredHosts(Response):
    """`GET /v1/vaults/{v}/discovered-hosts`."""

    hosts: list[DiscoveredHost]
    total: int


class Setting(Response):
    """One setting of the worker: its value, default, and meaning."""

    name: str
    value: Any
    default: Any
    description: str


class SettingList(Response):
    """`GET /v1/admin/settings`."""

    settings: list[Setting]


class SettingsChange(Request):
    """`PATCH /v1/admin/settings`: the settings named, all or none."""

    settings: dict[str, Any]
