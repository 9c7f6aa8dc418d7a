"""What an operator may set for a pool. Shares are of a window, 0 to 1."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from proxy_core.base.errors import VaultError


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """`warn_left`: a warning is shown at that much left; `move_left`: new conversations go
    elsewhere; `reserve`: is never used by the pool; `allow_extra_usage`: for money, too."""

    warn_left: float = 0.20
    move_left: float = 0.05
    reserve: float = 0.0
    allow_extra_usage: bool = False


def parse_pool_settings(document: Mapping[str, Any]) -> PoolSettings:
    """Raises VaultError bad_request: an unknown name, a share outside of 0 to 1."""
    known = {field.name for field in fields(PoolSettings)}
    for name, value in document.items():
        if name not in known:
            raise VaultError("bad_request", f"A pool's settings are: {', '.join(sorted(known))}.")
        if name == "allow_extra_usage":
            if not isinstance(value, bool):
                raise VaultError("bad_request", "allow_extra_usage must be true or false.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            raise VaultError("bad_request", f"{name} must be a share: 0 or more, and less than 1.")
    return PoolSettings(**document)


def pool_settings_document(settings: PoolSettings) -> dict[str, Any]:
    """The settings as they are stored and shown."""
    return asdict(settings)
