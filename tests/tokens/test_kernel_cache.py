"""The token in the kernel's keyring; where the kernel has none, nothing happens."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.tokens import kernel_cache
from proxy_core.tokens.kernel_cache import cached, forget, keep

HOME = "/home/tests/of the cache"


def works() -> bool:
    """Whether this kernel lets us keep anything."""
    if sys.platform != "linux":
        return False
    keep(HOME, "probe", time.time() + 5)
    found = cached(HOME) == "probe"
    forget(HOME)
    return found


needs_kernel = pytest.mark.skipif(not works(), reason="the kernel's keyrings are forbidden here")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Nothing stays in the user's keyring."""
    yield
    forget(HOME)


@needs_kernel
def test_a_token_is_kept_for_its_home() -> None:
    """Another home has another, a new token replaces the old, a long one fits."""
    keep(HOME, "one", time.time() + 60)
    assert cached(HOME) == "one"
    assert cached(HOME + "/other") is None
    keep(HOME, "t" * 9000, time.time() + 60)
    assert cached(HOME) == "t" * 9000


@needs_kernel
def test_a_token_is_forgotten_at_once() -> None:
    """And another may be kept in its place."""
    keep(HOME, "one", time.time() + 60)
    forget(HOME)
    forget(HOME)
    assert cached(HOME) is None
    keep(HOME, "two", time.time() + 60)
    assert cached(HOME) == "two"


@needs_kernel
def test_a_token_past_its_time_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own note of the time too, should the kernel's clock differ."""
    keep(HOME, "one", time.time() + 60)
    later = time.time() + 61
    monkeypatch.setattr(kernel_cache.time, "time", lambda: later)
    assert cached(HOME) is None


@needs_kernel
def test_the_kernel_ends_it_too() -> None:
    """The key has a time-out: /proc/keys tells it."""
    keep(HOME, "one", time.time() + 90)
    keys = [line.split() for line in Path("/proc/keys").read_text().splitlines() if HOME in line]
    (ends_in,) = [key[3] for key in keys if not set("RX") & set(key[1])]  # revoked, expired
    assert ends_in in {"1m", "89s", "90s"}


def test_what_cannot_be_kept_is_not() -> None:
    """A token that has ended, that is too long, that is no ASCII."""
    keep(HOME, "one", time.time() - 1)
    keep(HOME, "x" * 40_000, time.time() + 60)
    keep(HOME, "é", time.time() + 60)
    assert cached(HOME) is None


@pytest.mark.usefixtures("no_cache")
def test_without_keyrings_there_is_no_cache() -> None:
    """Nothing is kept, and nobody is told off."""
    keep(HOME, "one", time.time() + 60)
    assert cached(HOME) is None
    forget(HOME)
