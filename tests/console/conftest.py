"""A fixed time zone, and nothing taken over from the developer's terminal."""

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _steady_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("NO_COLOR", "TMUX", "VAULT_TUI_ADDR", "VAULT_TUI_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    yield
    monkeypatch.undo()
    time.tzset()
