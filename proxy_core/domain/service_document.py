"""The service document in JSON and YAML: parsing, validation, writing.

Field names are a public contract. Every failure is VaultError bad_request with the place, what is
wrong and what would be right, so that an agent can correct itself. Nothing is ignored but what the
API adds when it lists services (`hits`, `last_hit_at`), so that a list can be sent back as it came.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.auth_document import auth_document, auth_keys, parse_auth
from proxy_core.domain.cloud.aws_role import sts_endpoint
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.gateway import gateway_document, parse_gateway
from proxy_core.domain.names import check_slug
from proxy_core.domain.patterns import auto_name, check_glob, parse_pattern
from proxy_core.domain.rule_document import parse_rules, rule_document
from proxy_core.domain.service import DEFAULT_FAILOVER, Service
from proxy_core.domain.service_edits import (
    find_service,
    remove_service,
    set_enabled,
    upsert_services,
)
from proxy_core.domain.substitution_document import parse_substitutions, substitution_document

__all__ = [
    "auto_name",
    "credential_keys",
    "find_service",
    "parse_service",
    "parse_services",
    "remove_service",
    "service_document",
    "set_enabled",
    "upsert_services",
]

MAX_SERVICES = 10_000
TOO_MANY = 429

_FIELDS = (
    "name",
    "host",
    "path",
    "enabled",
    "auth",
    "substitutions",
    "rules",
    "allow_http",
    "scrub",
    "failover",
    "capture",
    "gateway",
)
_READ_ONLY = ("hits", "last_hit_at")


def parse_service(document: Mapping[str, Any], taken: Container[str] = ()) -> Service:
    """A service from its document. A missing name is derived, avoiding the names in `taken`.

    Raises VaultError bad_request.
    """
    return _parse(document, "service", taken)


def parse_services(documents: Iterable[Any], taken: Container[str] = ()) -> tuple[Service, ...]:
    """Services with unique names, in order. Missing names are derived last, so that they never
    take a name that is given, and avoid those in `taken` too.

    Raises VaultError bad_request.
    """
    if isinstance(documents, str | bytes | Mapping):
        raise invalid("services", "must be a list of services")
    listed = list(documents)
    if len(listed) > MAX_SERVICES:
        raise invalid("services", f"more than {MAX_SERVICES} services")
    names = _given_names(listed)
    services = []
    for position, document in enumerate(listed):
        service = _parse(document, f"services[{position}]", _Union(names, taken))
        names.add(service.name)
        services.append(service)
    return tuple(services)


class _Union:
    """What is in either container."""

    def __init__(self, *parts: Container[str]) -> None:
        self._parts = parts

    def __contains__(self, name: object) -> bool:
        return any(name in part for part in self._parts)


def _given_names(documents: list[Any]) -> set[str]:
    names: set[str] = set()
    for position, document in enumerate(documents):
        name = document.get("name") if isinstance(document, Mapping) else None
        if isinstance(name, str) and name:
            if name in names:
                raise invalid(f"services[{position}]", f"name {quoted(name)} is used twice")
            names.add(name)
    return names


def _parse(document: object, place: str, taken: Container[str]) -> Service:
    fields = Fields(document, place)
    name = fields.get("name", str, "")
    where = f"{place} {quoted(name)}" if name else place
    fields.where = where
    fields.only((*_FIELDS, *_READ_ONLY))
    host, port, path = _pattern(fields)
    if "auth" not in fields:
        raise invalid(where, "auth is required")
    service = Service(
        name=_name(name, where) if name else auto_name(host, path, taken),
        host=host,
        port=port,
        path=path,
        enabled=fields.get("enabled", bool, True),
        auth=parse_auth(fields.mapping("auth"), f"{where}.auth"),
        substitutions=parse_substitutions(fields),
        rules=parse_rules(fields),
        allow_http=fields.get("allow_http", bool, False),
        scrub=fields.get("scrub", bool, True),
        failover=_failover(fields),
        capture=_capture(fields, host, path),
        gateway=parse_gateway(fields, host, port, path),
    )
    _check_role(service, where)
    return service


def _check_role(service: Service, where: str) -> None:
    auth = service.auth
    if not auth.role_arn:
        return
    try:
        sts_endpoint(auth, service.host)
    except VaultError as error:
        raise invalid(f"{where}.auth", error.detail) from None
    if any(one.key == auth.secret_access_key for one in service.substitutions):
        why = "the role's keys are lent in its place, which sign and are never sent"
        raise invalid(where, f"{auth.secret_access_key} can't be substituted: {why}")


def _name(name: str, where: str) -> str:
    try:
        return check_slug(name)
    except VaultError as error:
        raise invalid(where, error.detail) from None


def _pattern(fields: Fields) -> tuple[str, int, str]:
    inline = fields.text("host")
    separate = fields.get("path", str, "")
    try:
        host, port, path = parse_pattern(inline)
        if separate and path:
            raise VaultError("bad_request", "host holds a path already; leave the path field out")
        return host, port, path or check_glob(separate)
    except VaultError as error:
        raise invalid(fields.where, error.detail) from None


def _failover(fields: Fields) -> tuple[int, ...]:
    """Statuses that say that the upstream did not act on the request; none: never."""
    if "failover" not in fields:
        return DEFAULT_FAILOVER
    statuses = fields.items("failover")
    for status in statuses:
        if type(status) is not int or not (status == TOO_MANY or 500 <= status <= 599):
            raise invalid(fields.where, f"failover {quoted(status)} is neither 429 nor 500 to 599")
    return tuple(sorted(set(statuses)))


def _capture(fields: Fields, host: str, path: str) -> bool:
    if not fields.get("capture", bool, False):
        return False
    # Few services capture, and the presets cost what every command would have to wait for.
    from proxy_core.domain.oauth.capture import token_paths

    if host.startswith("*.") or not token_paths(host, path):
        raise invalid(
            fields.where,
            "capture needs a token endpoint: a known provider's host, or a host with the "
            "endpoint's path, for example login.example.com/oauth/token",
        )
    return True


def service_document(service: Service) -> dict[str, Any]:
    """The document of a service: `parse_service(service_document(s)) == s`.

    The host is in the inline form; empty lists, `allow_http: false`, `scrub: true`, `capture:
    false` and the usual `failover` are left out.
    """
    document: dict[str, Any] = {
        "name": service.name,
        "host": service.pattern,
        "enabled": service.enabled,
        "auth": auth_document(service.auth),
    }
    if service.substitutions:
        document["substitutions"] = [substitution_document(one) for one in service.substitutions]
    if service.rules:
        document["rules"] = [rule_document(rule) for rule in service.rules]
    if service.allow_http:
        document["allow_http"] = True
    if not service.scrub:
        document["scrub"] = False
    if service.failover != DEFAULT_FAILOVER:
        document["failover"] = list(service.failover)
    if service.capture:
        document["capture"] = True
    if service.gateway is not None:
        document["gateway"] = gateway_document(service.gateway)
    return document


def credential_keys(service: Service) -> tuple[str, ...]:
    """The credential keys that a service uses, each once, auth before substitutions."""
    keys = auth_keys(service.auth) + [item.key for item in service.substitutions]
    return tuple(dict.fromkeys(keys))
