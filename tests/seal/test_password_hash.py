"""Users' passwords at rest."""

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from proxy_core.base.errors import VaultError
from proxy_core.seal import (
    COST_FLOOR,
    Argon2Cost,
    PasswordHash,
    hash_password,
    nobodys_password,
    password_matches,
)

CHEAP = Argon2Cost(time=1, memory_kib=64, lanes=1)


def test_the_usual_cost_is_that_of_a_password_slot() -> None:
    """Argon2id, three passes over 64 MiB in four lanes, stored beside the digest."""
    stored = hash_password(b"open sesame")
    assert {**stored.kdf, "salt": ""} == {
        "kdf": "argon2id",
        "salt": "",
        "time": 3,
        "memory_kib": 65536,
        "lanes": 4,
    }
    assert (COST_FLOOR.time, COST_FLOOR.memory_kib, COST_FLOOR.lanes) == (3, 65536, 4)
    salt = bytes.fromhex(stored.kdf["salt"])
    kdf = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65536)
    assert kdf.derive(b"open sesame") == stored.digest
    assert password_matches(stored, b"open sesame")


def test_only_the_password_matches() -> None:
    """Salts differ, digests too; nobody's matches nothing."""
    one, two = hash_password(b"x", CHEAP), hash_password(b"x", CHEAP)
    assert one.digest != two.digest
    assert password_matches(one, b"x")
    assert not password_matches(one, b"y")
    assert not password_matches(PasswordHash(one.kdf, two.digest), b"x")
    assert not password_matches(nobodys_password(CHEAP), b"")


def test_a_hash_shows_nothing() -> None:
    """Neither salt nor digest stands in a traceback."""
    assert repr(hash_password(b"x", CHEAP)) == "PasswordHash()"


@pytest.mark.parametrize(
    "edit",
    [
        {"memory_kib": 2**30},
        {"time": 10_000},
        {"lanes": 1000},
        {"salt": "00"},
        {"salt": "xyz"},
        {"kdf": "md5"},
        {"time": "many"},
    ],
)
def test_a_damaged_record_is_refused(edit: dict[str, object]) -> None:
    """Before it makes the worker run out of memory or time."""
    stored = hash_password(b"x", CHEAP)
    with pytest.raises(VaultError) as caught:
        password_matches(PasswordHash({**stored.kdf, **edit}, stored.digest), b"x")
    assert caught.value.code == "internal"
