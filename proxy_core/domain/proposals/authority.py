"""What a vault allows, and what it would allow after a proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proxy_core.base.errors import VaultError
from proxy_core.domain.proposals.proposal import CredentialSlot, ItemAction, Proposal, ServiceChange
from proxy_core.domain.service import Service
from proxy_core.domain.service_document import (
    credential_keys,
    parse_service,
    service_document,
    upsert_services,
)

POOL = "pool"


@dataclass(frozen=True)
class Authority:
    """A vault's services in their order, and its credentials: key to type (static, oauth, pool)."""

    services: tuple[Service, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Service | None:
        """The service of that name."""
        return next((service for service in self.services if service.name == name), None)

    def users(self, key: str) -> tuple[Service, ...]:
        """The services that name a credential."""
        return tuple(self._users.get(key, ()))

    @cached_property
    def _users(self) -> Mapping[str, Sequence[Service]]:
        users: dict[str, list[Service]] = {}
        for service in self.services:
            for key in credential_keys(service):
                users.setdefault(key, []).append(service)
        return users


def effect(proposal: Proposal, before: Authority) -> Authority:
    """What the vault would allow with the proposal carried out whole.

    Raises VaultError bad_request when it can't be: what is to be deleted or changed is not there, a
    credential has another type, a service names one that neither exists nor is a slot, or a slot is
    for nothing.
    """
    services = before.services
    changed: list[Service] = []
    for change in proposal.services:
        if change.action is ItemAction.DELETE:
            services = _without(services, change.name)
        else:
            service = _set(change, before)
            changed.append(service)
            services = upsert_services(services, (service,))
    credentials = dict(before.credentials)
    for slot in proposal.slots:
        _fill(slot, credentials)
    after = Authority(services, credentials)
    _check_references(proposal, changed, after)
    return after


def _set(change: ServiceChange, before: Authority) -> Service:
    if change.is_whole:
        return parse_service(change.document)
    current = before.named(change.name)
    if current is None:
        raise VaultError(
            "bad_request", f"service {change.name!r} is new: auth is required for a new service"
        )
    return parse_service({**service_document(current), **change.document})


def _without(services: Sequence[Service], name: str) -> tuple[Service, ...]:
    rest = tuple(service for service in services if service.name != name)
    if len(rest) == len(services):
        raise VaultError("bad_request", f"there is no service {name!r} to delete")
    return rest


def _fill(slot: CredentialSlot, credentials: dict[str, str]) -> None:
    present = credentials.get(slot.key)
    if present == POOL:
        raise VaultError(
            "bad_request", f"credential {slot.key} is a pool; its accounts belong to it"
        )
    if slot.action is ItemAction.DELETE:
        if present is None:
            raise VaultError("bad_request", f"there is no credential {slot.key} to delete")
        del credentials[slot.key]
        return
    if present not in (None, slot.type):
        raise VaultError("bad_request", f"credential {slot.key} exists, of type {present}")
    credentials[slot.key] = slot.type


def _check_references(proposal: Proposal, changed: Sequence[Service], after: Authority) -> None:
    named: set[str] = set()
    for service in changed:
        for key in credential_keys(service):
            named.add(key)
            if key not in after.credentials:
                raise VaultError(
                    "bad_request",
                    f"service {service.name} names credential {key}, which neither exists nor is "
                    "a slot of this proposal",
                )
    if not proposal.services:
        return
    for slot in proposal.set_slots:
        if slot.key not in named:
            raise VaultError(
                "bad_request",
                f"no service of this proposal uses the slot {slot.key}; propose it without "
                "services, or leave it out",
            )
