"""What is remembered of logins, and what is too old to be."""

from dataclasses import replace

from proxy_core.services.logins import Login, LoginState
from proxy_core.services.logins.memory import Memory
from proxy_core.services.snapshot import SealedSecret
from tests.services.conftest import NOW


def login(login_id: str = "l1", generation: int = 1, **fields: object) -> Login:
    """A connected login of the credential `c-ID`."""
    usual: dict[str, object] = {
        "id": login_id,
        "vault_id": "v1",
        "credential_id": f"c-{login_id}",
        "key": "TOKEN",
        "account_id": "",
        "nickname": "",
        "provider": "",
        "refreshable": True,
        "state": LoginState.CONNECTED,
        "generation": generation,
        "access": SealedSecret(b"sealed", b"place", generation),
        "expires_at": NOW + 3600,
        "due_at": NOW + 3300,
        "connected_at": NOW,
        "refresh_count": 0,
        "last_refresh_at": None,
        "retry_at": None,
        "failures": 0,
        "last_error": "",
    }
    return Login(**{**usual, **fields})  # type: ignore[arg-type]


def test_newer_tokens_stay() -> None:
    """Whatever is read late; listeners hear of changes alone."""
    memory, heard = Memory(), list[str]()
    memory.on_change(heard.append)
    memory.put(login(generation=2))
    memory.put(login(generation=1))
    memory.put(login(generation=2))
    assert memory.get("l1") == login(generation=2)
    assert heard == ["l1"]
    memory.put(replace(login(generation=2), failures=1))
    assert heard == ["l1", "l1"]


def test_a_credentials_login_is_found_and_forgotten() -> None:
    """By the credential's id."""
    memory = Memory()
    memory.put(login())
    assert memory.of_credential("c-l1") is memory.get("l1")
    assert memory.of_credential("") is None
    memory.forget("l1")
    memory.forget("l1")
    assert memory.of_credential("c-l1") is None
    assert list(memory) == []


def test_what_was_read_replaces_all_but_what_is_newer() -> None:
    """A login that was put while the database was being read is as it was put."""
    memory = Memory()
    memory.put(login("gone"))
    memory.put(login("kept"))
    since = memory.stamp
    memory.put(login("kept", failures=3))
    memory.put(login("added"))
    memory.take_in([login("kept"), login("found", generation=4)], since)
    assert {one.id: (one.generation, one.failures) for one in memory} == {
        "kept": (1, 3),
        "added": (1, 0),
        "found": (4, 0),
    }
    assert memory.of_credential("c-found") is memory.get("found")


def test_health_by_the_clock() -> None:
    """When it is valid, due and waiting; and when it will next be tried."""
    one = login()
    assert one.valid(NOW + 3599)
    assert not one.valid(NOW + 3600)
    assert not one.due(NOW + 3299)
    assert one.due(NOW + 3300)
    waiting = replace(one, retry_at=NOW + 3400)
    assert (waiting.backing_off(NOW + 3300), waiting.next_refresh_at) == (100, NOW + 3400)
    assert not waiting.due(NOW + 3300)
    lost = replace(one, state=LoginState.RECONNECT)
    assert (lost.next_refresh_at, lost.due(NOW + 3300)) == (None, False)
    assert lost.valid(NOW)
    endless = replace(one, expires_at=None, due_at=None)
    assert endless.valid(NOW * 2)
    assert endless.next_refresh_at is None


def test_a_repr_shows_no_token() -> None:
    """Sealed or not."""
    assert "sealed" not in repr(login())
