"""Services, the match test, the catalog, and what agents may know."""

from typing import Any

from proxy_core.domain.wire.base import Request, Response


class ServiceName(Response):
    """What agents may know of a service."""

    name: str
    host: str


class ServiceList(Response):
    """`GET /v1/vaults/{v}/services`: service documents, with `hits` and `last_hit_at`."""

    vault: str
    services: list[dict[str, Any]]


class ServicesRequest(Request):
    """`POST` (upsert by name) and `PUT` (replace): documents as in `service_document`."""

    services: list[dict[str, Any]]


class ServicesUpserted(Response):
    """Answer of the upsert."""

    vault: str
    upserted: list[str]
    services_count: int


class ServicesReplaced(Response):
    """Answer of the replacement."""

    vault: str
    services_count: int


class ServicesCleared(Response):
    """`DELETE /v1/vaults/{v}/services`."""

    vault: str
    cleared: bool = True


class ServiceRemoved(Response):
    """`DELETE /v1/vaults/{v}/services/{name|host}`."""

    vault: str
    removed: str
    removed_host: str
    services_count: int


class ServicePatch(Request):
    """`PATCH /v1/vaults/{v}/services/{name|host}`."""

    enabled: bool


class CredentialUsage(Response):
    """`GET /v1/vaults/{v}/services/credential-usage?key`."""

    services: list[ServiceName]


class MatchTest(Request):
    """`POST /v1/vaults/{v}/services/test`."""

    url: str
    method: str = "GET"


class MatchCandidate(Response):
    """A service that was looked at, and why it won or lost."""

    name: str
    host: str
    matched: bool
    reason: str


class MatchResult(Response):
    """`decision` as in RequestRecord, or `held`; `error_code`: what the agent would be answered."""

    decision: str
    reason: str
    service: str | None
    host: str
    path: str
    credential_keys: list[str]
    missing_credentials: list[str]
    error_code: str | None
    candidates: list[MatchCandidate]


class Template(Response):
    """One row of the service catalog: a ready service document and how to get its key."""

    id: str
    name: str
    category: str
    description: str
    service: dict[str, Any]
    obtain: str
    keys: list[str]


class Catalog(Response):
    """`GET /v1/service-catalog`."""

    templates: list[Template]


class Discovery(Response):
    """`GET /discover`."""

    vault: str
    services: list[ServiceName]
    available_credentials: list[str]
