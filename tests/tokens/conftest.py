"""Homes with a login, with and without the kernel's cache."""

import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from proxy_core.tokens import kernel_cache
from tests.tokens.rig import Clock, Rig, SharedKeyring
from tests.worker.oauth_provider import LiveProvider


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session has no OS keyring, unless a test gives it one."""
    backend = fail.Keyring()  # type: ignore[no-untyped-call] # keyring's metaclass
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


@pytest.fixture
def os_keyring(monkeypatch: pytest.MonkeyPatch, no_keyring: None) -> type[SharedKeyring]:
    """An OS keyring."""
    monkeypatch.setattr(SharedKeyring, "shared", {})
    monkeypatch.setattr(SharedKeyring, "refuses", False)
    monkeypatch.setattr(keyring.core, "_keyring_backend", SharedKeyring())
    return SharedKeyring


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without keyrings, as in many containers."""
    monkeypatch.setattr(kernel_cache, "_NUMBERS", {})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A home without a login yet, and an issuer."""
    with LiveProvider() as server:
        yield Rig(tmp_path / "home", server, Clock(time.time()))
    kernel_cache.forget(str(tmp_path / "home"))
