"""Which events a follower may see who has some of the vaults."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy_core.domain.events import Event, EventType
from proxy_core.services.snapshot import VaultEntry

_FOR_ALL = frozenset(
    kind.value
    for kind in (
        EventType.WORKER_SEALED,
        EventType.WORKER_UNSEALED,
        EventType.WORKER_STOPPING,
    )
)
"""Of no vault, and no secret from anybody who may follow at all."""


def visible(
    events: Iterable[Event], names: frozenset[str], vaults: Mapping[str, VaultEntry]
) -> list[Event]:
    """The events of the vaults with these names.

    An event names its vault as it was called then: what is older than the vault of that name now
    was another one's.
    """
    began = {name: vaults[name].created_at for name in names if name in vaults}
    return [
        event
        for event in events
        if event.type in _FOR_ALL or event.at >= began.get(_vault(event.data), float("inf"))
    ]


def _vault(data: Any) -> str:
    found = data.get("vault") if isinstance(data, dict) else getattr(data, "vault", None)
    return found if isinstance(found, str) else ""
