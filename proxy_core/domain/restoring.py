"""What the command line and the process that restores a backup say to each other, line by line."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class Open(msgspec.Struct):
    """First in: what opens the backup. Empty: a key file, or the OS keyring."""

    password: str = ""

    def __repr__(self) -> str:
        return "Open()"


class HeldVault(msgspec.Struct):
    """A vault of the backup."""

    name: str
    credentials: int
    services: int


class Held(msgspec.Struct):
    """First out: what the backup holds. `created_at` is RFC 3339, `version` the program's."""

    created_at: str
    version: str
    vaults: list[HeldVault]
    agents: int


class Answer(msgspec.Struct):
    """Second in: whether to go on."""

    restore: bool = False


class Done(msgspec.Struct):
    """Last out: where the database before is, empty without one, and how many logins are marked
    to be connected anew.
    """

    aside: str
    reconnect: int
