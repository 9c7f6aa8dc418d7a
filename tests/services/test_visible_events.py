"""Which events a follower of some vaults may see."""

from types import SimpleNamespace
from typing import Any

from proxy_core.domain.events import Event
from proxy_core.domain.service import UnmatchedHostPolicy
from proxy_core.services.snapshot import VaultEntry
from proxy_core.services.visible_events import visible

VAULTS = {
    name: VaultEntry(name, name, 100.0, UnmatchedHostPolicy.DENY) for name in ("mine", "other")
}


def event(type: str, data: Any, at: float = 200.0) -> Event:
    """An event, long after the vaults were made."""
    return Event(seq=1, type=type, at=at, data=data)


def test_the_own_vaults_events_are_seen_and_no_others() -> None:
    """Records name their vault in a field, other events in a key; what names none is not seen."""
    seen = [
        event("request.finished", SimpleNamespace(vault="mine")),
        event("credential.changed", {"vault": "mine", "name": "KEY"}),
        event("worker.sealed", {"by": "operator ada"}),
    ]
    unseen = [
        event("request.finished", SimpleNamespace(vault="other")),
        event("credential.changed", {"vault": "other"}),
        event("vault.deleted", {"vault": "gone"}),
        event("user.refused", {"name": "ada"}),
        event("settings.changed", {"settings": {}}),
        event("request.finished", {"vault": ["mine"]}),
        event("operator.refused", None),
    ]
    assert visible([*seen, *unseen], frozenset({"mine"}), VAULTS) == seen


def test_a_name_that_was_another_vaults_shows_nothing_of_it() -> None:
    """Events from before the vault was made are of an earlier vault of that name."""
    before = event("credential.changed", {"vault": "mine"}, at=99.0)
    assert visible([before], frozenset({"mine"}), VAULTS) == []
    assert visible([before], frozenset({"gone"}), VAULTS) == []
