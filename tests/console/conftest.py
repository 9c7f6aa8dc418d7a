"""A fixed time zone, and nothing taken over from the developer's terminal."""

import time
from collections.abc import Iterator

import pytest

from tests.console.stylesheets import keep_parsed_rules

keep_parsed_rules()


@pytest.fixture(autouse=True)
def _steady_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("NO_COLOR", "TMUX", "VAULT_TUI_ADDR", "VAULT_TUI_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    # After each key Textual waits until a process of its own would use a twentieth of a core; with
    # other work on the machine that is a second. Half a core for 5 ms is rest enough.
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.005)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 0.0025)
    yield
    monkeypatch.undo()
    time.tzset()
