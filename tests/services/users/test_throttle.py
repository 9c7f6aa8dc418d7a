"""How guessing is slowed down, on a clock that moves when told."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.services.users import throttle
from proxy_core.services.users.throttle import (
    ACCOUNT_LIMIT,
    ADDRESS_LIMIT,
    WINDOW_SECONDS,
    LoginThrottle,
    site_of,
)


def is_free(guard: LoginThrottle, email: str, address: str = "192.0.2.1") -> bool:
    """Whether an attempt is let through."""
    try:
        guard.begin(email, address)
    except VaultError:
        return False
    return True


def test_an_account_has_so_many_attempts_wherever_they_come_from() -> None:
    """Attempts count when they begin, so many at once are no way round."""
    guard = LoginThrottle(FakeClock())
    assert [is_free(guard, "ada", f"192.0.2.{one}") for one in range(ACCOUNT_LIMIT + 1)] == [
        *[True] * ACCOUNT_LIMIT,
        False,
    ]
    assert is_free(guard, "bob", "192.0.2.0")


def test_an_address_has_so_many_attempts_for_whichever_accounts() -> None:
    """Trying one password with many names is guessing too; the socket has no address."""
    guard = LoginThrottle(FakeClock())
    assert all(is_free(guard, f"user{one}") for one in range(ADDRESS_LIMIT))
    assert not is_free(guard, "ada")
    assert is_free(guard, "ada", "192.0.2.2")
    assert is_free(guard, "ada", "")


def test_the_wait_is_told_and_ends() -> None:
    """Until the oldest attempt leaves the window; a refused one is not counted."""
    clock = FakeClock()
    guard = LoginThrottle(clock)
    for _ in range(ACCOUNT_LIMIT):
        guard.begin("ada", "")
        clock.advance(10)
    for _ in range(3):
        with pytest.raises(VaultError) as caught:
            guard.begin("ada", "")
        assert caught.value.code == "rate_limited"
        assert caught.value.retry_after == WINDOW_SECONDS - 10 * ACCOUNT_LIMIT
    clock.advance(WINDOW_SECONDS - 10 * ACCOUNT_LIMIT)
    assert is_free(guard, "ada", "")
    assert not is_free(guard, "ada", "")


def test_a_right_password_starts_anew() -> None:
    """For the account; the address has its own attempts back, and not those of others."""
    guard = LoginThrottle(FakeClock())
    for _ in range(ADDRESS_LIMIT * 2):
        guard.begin("ada", "192.0.2.1")
        guard.succeeded("ada", "192.0.2.1")
    for one in range(ADDRESS_LIMIT - 1):
        guard.begin(f"user{one}", "192.0.2.1")
    guard.begin("ada", "192.0.2.1")
    guard.succeeded("ada", "192.0.2.1")
    assert is_free(guard, "bob")
    assert not is_free(guard, "carol")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has left the window goes first, then the oldest."""
    monkeypatch.setattr(throttle, "_MOST_KEYS", 20)
    clock = FakeClock()
    guard = LoginThrottle(clock)
    for one in range(15):
        guard.begin(f"old{one}", "")
    clock.advance(WINDOW_SECONDS)
    for one in range(40):
        guard.begin(f"new{one}", "")
        assert len(guard._attempts) <= 20


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.8.9.10", "127.0.0.1"),
        ("::ffff:127.0.0.2", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("not an address", "not an address"),
    ],
)
def test_a_client_is_a_site(address: str, site: str) -> None:
    """An IPv6 site may use as many addresses as it likes, a program here any of 127.0.0.0/8."""
    assert site_of(address) == site
