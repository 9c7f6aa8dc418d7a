"""A proposal as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_SERVICES = 10
MAX_SLOTS = 10
MAX_PENDING = 20
"""Proposals of one vault that may wait at a time."""
LIFE_SECONDS = 7 * 86400.0
APPROVAL_SECONDS = 86400.0
"""How long the token of an approval's address can be used."""
MAX_MESSAGE = 2000
MAX_USER_MESSAGE = 5000
MAX_DESCRIPTION = 500
MAX_OBTAIN = 500
MAX_INSTRUCTIONS = 1000
MAX_REASON = 2000


class Status(StrEnum):
    """Where a proposal stands."""

    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ItemAction(StrEnum):
    """What is proposed for one service or credential."""

    SET = "set"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """One service to be set or deleted.

    `document` with `auth` is a whole service document; without, it is what changes in the service
    of that name. Of a deletion it is empty, and `name` is the service's.
    """

    action: ItemAction
    name: str
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the document stands for itself."""
        return "auth" in self.document


@dataclass(frozen=True, slots=True)
class CredentialSlot:
    """One credential to be set or deleted; never its value.

    `type` is `static` or `oauth`; `oauth` tells how such a one is obtained. `existed`: the vault
    held a credential of this key when it was proposed. `has_value`: the agent supplied one.
    """

    action: ItemAction
    key: str
    type: str = "static"
    description: str = ""
    obtain: str = ""
    obtain_instructions: str = ""
    oauth: Mapping[str, Any] | None = None
    existed: bool = False
    has_value: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """Texts are as the agent wrote them: hostile, until shown through `display_safe`."""

    services: tuple[ServiceChange, ...] = ()
    slots: tuple[CredentialSlot, ...] = ()
    message: str = ""
    user_message: str = ""

    @property
    def set_slots(self) -> tuple[CredentialSlot, ...]:
        """Those that are to be set."""
        return tuple(slot for slot in self.slots if slot.action is ItemAction.SET)

    def slot(self, key: str) -> CredentialSlot | None:
        """The slot of that key."""
        return next((slot for slot in self.slots if slot.key == key), None)
