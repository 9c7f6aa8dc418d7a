"""Checking passwords beside everything else: in threads, few at a time."""

import asyncio
import threading

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.seal import PasswordHash, hash_password
from proxy_core.services.users import passwords
from proxy_core.services.users.passwords import AT_ONCE, MOST_WAITING, Passwords
from tests.services.users.conftest import CHEAP


async def test_a_password_is_checked_against_its_hash() -> None:
    """Nobody's hash matches nothing, not even the empty password."""
    checker = Passwords(CHEAP)
    stored = await checker.hash(b"open sesame")
    assert await checker.check(stored, "open sesame")
    assert not await checker.check(stored, "open Sesame")
    assert not await checker.check(stored, "open sesame\ud800")
    assert not await checker.check(None, "")


async def test_few_are_checked_at_once_and_a_crowd_is_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loop goes on meanwhile, two threads work, and beyond a queue it is `overloaded`."""
    busy, peak = 0, 0
    lock, go_on = threading.Lock(), threading.Event()

    def slow(stored: PasswordHash, password: bytes) -> bool:
        nonlocal busy, peak
        with lock:
            busy += 1
            peak = max(peak, busy)
        go_on.wait(30)
        with lock:
            busy -= 1
        return True

    monkeypatch.setattr(passwords, "password_matches", slow)
    checker, stored = Passwords(CHEAP), hash_password(b"x", CHEAP)
    waiting = [asyncio.create_task(checker.check(stored, "x")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(VaultError) as caught:
        await checker.check(stored, "x")
    assert (caught.value.code, caught.value.status) == ("overloaded", 503)
    go_on.set()
    assert all(await asyncio.gather(*waiting))
    assert peak <= AT_ONCE
    assert await checker.check(stored, "x")
