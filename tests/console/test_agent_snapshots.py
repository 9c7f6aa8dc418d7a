"""How agents and their dialogs look, at each size and without colours."""

import pytest

from tests.console.harness import console
from tests.console.test_agents_screen import agents_worker
from tests.console.test_snapshots import SIZES, Snapshot, pressed


@pytest.mark.parametrize("size", SIZES)
def test_agents(snap_compare: Snapshot, size: tuple[int, int]):
    """Agents and sessions in one list; the detail of one that is limited and pinned."""
    app = console(agents_worker())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "7"))


def test_agents_without_colour(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch):
    """Glyphs and words tell what colours tell otherwise."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(agents_worker())
    prepare = pressed(app, "7", "down", "down")
    assert snap_compare(app, terminal_size=(80, 24), run_before=prepare)


@pytest.mark.parametrize("keys", [("a",), ("a", *"new-bot", "ctrl+s")], ids=["create", "token"])
def test_agent_dialogs(snap_compare: Snapshot, keys: tuple[str, ...]):
    """The form of a new agent, and its token, which is shown once."""
    app = console(agents_worker())
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressed(app, "7", *keys))
