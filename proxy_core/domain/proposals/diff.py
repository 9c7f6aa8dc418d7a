"""The difference that a proposal would make to what a vault allows, as data."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy_core.domain.proposals.authority import Authority
from proxy_core.domain.proposals.proposal import ItemAction, Proposal
from proxy_core.domain.service import Service
from proxy_core.domain.service_document import credential_keys, service_document


class Change(StrEnum):
    """What becomes of a service or a credential."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ServiceDiff:
    """One service that the proposal names, before and after."""

    name: str
    change: Change
    before: Service | None
    after: Service | None

    @property
    def fields(self) -> tuple[tuple[str, Any, Any], ...]:
        """The document's fields that differ: name, before and after; None where there is none."""
        old = {} if self.before is None else service_document(self.before)
        new = {} if self.after is None else service_document(self.after)
        names = dict.fromkeys((*old, *new))
        return tuple(
            (name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
        )


@dataclass(frozen=True, slots=True)
class CredentialDiff:
    """A credential that is set, deleted, or goes to other hosts than before.

    `change` CHANGED: it exists and may get another value. Hosts are service patterns.
    """

    key: str
    change: Change
    type: str
    hosts_before: tuple[str, ...]
    hosts_after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorityDiff:
    """Service by service, credential by credential, in the proposal's order."""

    services: tuple[ServiceDiff, ...]
    credentials: tuple[CredentialDiff, ...]


def diff(proposal: Proposal, before: Authority, after: Authority) -> AuthorityDiff:
    """What the proposal changes; what it doesn't touch is left out."""
    services = tuple(
        _service(change.name, before.named(change.name), after.named(change.name))
        for change in proposal.services
    )
    slots = [slot.key for slot in proposal.slots]
    named = [
        key
        for change in services
        for service in (change.before, change.after)
        if service is not None
        for key in credential_keys(service)
    ]
    found = (_credential(key, proposal, before, after) for key in dict.fromkeys(slots + named))
    return AuthorityDiff(services, tuple(one for one in found if _matters(one, slots)))


def digest(difference: AuthorityDiff) -> str:
    """64 hex digits that change when what is shown of the difference changes."""
    shown = {
        "services": [
            [one.name, one.change, _document(one.before), _document(one.after)]
            for one in difference.services
        ],
        "credentials": [
            [one.key, one.change, one.type, one.hosts_before, one.hosts_after]
            for one in difference.credentials
        ],
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def _service(name: str, before: Service | None, after: Service | None) -> ServiceDiff:
    if before is None:
        change = Change.ADDED
    elif after is None:
        change = Change.REMOVED
    else:
        change = Change.UNCHANGED if before == after else Change.CHANGED
    return ServiceDiff(name, change, before, after)


def _credential(
    key: str, proposal: Proposal, before: Authority, after: Authority
) -> CredentialDiff:
    slot = proposal.slot(key)
    if slot is not None and slot.action is ItemAction.DELETE:
        change = Change.REMOVED
    elif key not in before.credentials or (slot and not slot.existed and not before.users(key)):
        # One that came for the proposal's sake, as a login that was connected, is new all the same.
        change = Change.ADDED
    else:
        change = Change.UNCHANGED if slot is None else Change.CHANGED
    type_ = after.credentials.get(key) or before.credentials.get(key, "")
    hosts = (_patterns(before.users(key)), _patterns(after.users(key)))
    return CredentialDiff(key, change, type_, *hosts)


def _matters(one: CredentialDiff, slots: Iterable[str]) -> bool:
    return one.key in slots or one.hosts_before != one.hosts_after


def _patterns(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(service.pattern for service in services)


def _document(service: Service | None) -> dict[str, Any] | None:
    return None if service is None else service_document(service)
