"""How accounts, OAuth credentials and their dialogs look, at each size and without colours."""

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console.fake_worker import FakeWorker
from tests.console.harness import console, until
from tests.console.test_accounts_screen import accounts_worker
from tests.console.test_sign_in import oauth_worker
from tests.console.test_snapshots import SIZES, Snapshot, pressed, settled, steady
from vault_tui.screens.account_flows import AddAccountForm
from vault_tui.screens.sign_in import SignInDialog


def with_logins() -> FakeWorker:
    """Accounts, and credentials of every type and state."""
    worker = accounts_worker()
    worker.oauth = oauth_worker().oauth
    return worker


@pytest.mark.parametrize("size", SIZES)
def test_accounts(snap_compare: Snapshot, size: tuple[int, int]):
    """Cards, pools, and the detail beside, below or away."""
    app = console(with_logins())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "6"))


@pytest.mark.parametrize("size", SIZES)
def test_credentials_that_sign_in(snap_compare: Snapshot, size: tuple[int, int]):
    """Type, expiry and state; the detail of one that has to be connected anew."""
    app = console(with_logins())
    keys = ("4", *["down"] * 6)
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, *keys))


@pytest.mark.parametrize("size", SIZES)
def test_health(snap_compare: Snapshot, size: tuple[int, int]):
    """Every login in one table."""
    app = console(with_logins())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "4", "b", "down"))


@pytest.mark.parametrize("size", SIZES)
def test_signing_in(snap_compare: Snapshot, size: tuple[int, int]):
    """The address wraps; the code is masked; the time runs."""
    app = console(with_logins())

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await pilot.press("6", "plus")
        await until(pilot, lambda: isinstance(app.screen, AddAccountForm))
        await pilot.press("ctrl+s")
        # Only a screen that was drawn once can be looked at: what is behind a dialog comes then.
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        await pilot.pause(0.3)
        app.screen.query_one("#code").cursor_blink = False  # type: ignore[attr-defined]
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepare)


@pytest.mark.parametrize("keys", [("6", "plus"), ("6", "o", "enter"), ("6", "l"), ("4", "c")])
def test_forms(snap_compare: Snapshot, keys: tuple[str, ...]):
    """A new account, a pool, the log of choices, a new OAuth credential."""
    app = console(with_logins())
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressed(app, *keys))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_accounts_without_colour(
    snap_compare: Snapshot, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
):
    """NO_COLOR: states, limits and the cursor are glyphs and words."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(with_logins())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "6"))
