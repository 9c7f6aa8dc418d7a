"""The service document in JSON and YAML: parsing, validation, writing."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy_core.domain.service import Service


def parse_service(document: Mapping[str, Any]) -> Service:
    """A service from its document. Raises VaultError bad_request."""
    raise NotImplementedError


def parse_services(documents: Iterable[Any]) -> tuple[Service, ...]:
    """Services with unique names; missing names are derived. Raises VaultError bad_request."""
    raise NotImplementedError


def service_document(service: Service) -> dict[str, Any]:
    """The document of a service: `parse_service(service_document(s)) == s`."""
    raise NotImplementedError


def auto_name(host: str, path: str, taken: Iterable[str]) -> str:
    """A slug from host and literal path that is not in `taken`."""
    raise NotImplementedError


def credential_keys(service: Service) -> tuple[str, ...]:
    """The credential keys that a service uses, each once, in order of appearance."""
    raise NotImplementedError


def upsert_services(
    current: tuple[Service, ...], changes: tuple[Service, ...]
) -> tuple[Service, ...]:
    """Replace by name in place, append new ones."""
    raise NotImplementedError


def find_service(current: tuple[Service, ...], name_or_host: str) -> Service:
    """The service of that name or host. Raises VaultError not_found, ambiguous_host."""
    raise NotImplementedError


def remove_service(
    current: tuple[Service, ...], name_or_host: str
) -> tuple[tuple[Service, ...], Service]:
    """The rest and the removed one. Raises VaultError not_found, ambiguous_host."""
    raise NotImplementedError


def set_enabled(
    current: tuple[Service, ...], name_or_host: str, enabled: bool
) -> tuple[tuple[Service, ...], Service]:
    """All services and the changed one. Raises VaultError not_found, ambiguous_host."""
    raise NotImplementedError
