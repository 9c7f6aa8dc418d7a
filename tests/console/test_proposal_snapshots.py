"""How proposals look, at the three sizes that matter, and without colours."""

from collections.abc import Callable

import pytest

from tests.console.harness import console
from tests.console.proposal_samples import proposing
from tests.console.test_snapshots import SIZES, pressed

Snapshot = Callable[..., bool]


@pytest.mark.parametrize("size", SIZES)
def test_proposals(snap_compare: Snapshot, size: tuple[int, int]):
    """The inbox, and the difference beside or below it."""
    app = console(proposing())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "2"))


@pytest.mark.parametrize("size", SIZES[:2])
def test_approving(snap_compare: Snapshot, size: tuple[int, int]):
    """The last look: risks, difference, names to type, Cancel."""
    app = console(proposing())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "2", "a"))


def test_reading_without_colour(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch):
    """NO_COLOR: signs and words carry everything."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(proposing())
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressed(app, "2", "enter"))
