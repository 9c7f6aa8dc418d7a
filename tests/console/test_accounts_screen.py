"""Accounts: quota as it is told, and what an operator does with accounts and pools."""

import msgspec
import pytest
from textual.pilot import Pilot

from proxy_core.base.clock import rfc3339
from tests.console.fake_worker import NOW, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_credentials_screen import type_in
from vault_tui.app import ConsoleApp
from vault_tui.screens.accounts import AccountsScreen
from vault_tui.screens.confirm import Confirm


def accounts_worker() -> FakeWorker:
    """An operator's worker with three accounts."""
    worker = furnished()
    worker.operator = True
    worker.lent.furnish()
    return worker


async def on_accounts(pilot: Pilot[int | None], wanted: str = "work") -> None:
    """Go to the screen."""
    await pilot.press("6")
    await until(pilot, lambda: wanted in text_of(pilot.app))


def line_of(app: ConsoleApp, start: str, nth: int = 0) -> str:
    """The nth line of the screen that starts with these words."""
    lines = [line for line in text_of(app).splitlines() if line.strip().startswith(start)]
    return lines[nth]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_every_window_shows_its_own_figures(size: tuple[int, int]):
    """Bar, per cent, reset, rate and time to empty; a window that is not open says so."""
    app = console(accounts_worker())
    async with running(app, size) as pilot:
        await on_accounts(pilot)
        short, weekly, opus = line_of(app, "5h"), line_of(app, "7d"), line_of(app, "7d opus")
        for part in ("━━", "62 %", "resets in 2:14:03", "21 %/h", "empty in 1:46:20"):
            assert part in short
        for part in ("18 %", "resets in 4 d 2 h", "0.6 %/h"):
            assert part in weekly
        assert "no window open" in opus
        assert not any(part in opus for part in ("%", "resets", "━"))
        assert "✗ full" in line_of(app, "5h", 1)
        assert "83 % ▲" in line_of(app, "7d", 2)
        assert "✗ exhausted 24:13" in text_of(app)
        assert "nothing is known of its quota yet" in text_of(app)


async def test_a_reset_that_has_passed_closes_the_window():
    """The figures are those of the window that was: nothing of them is shown any more."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        assert "resets in 24:13" in line_of(app, "5h", 1)
        worker.clock.advance(1460)
        await until(pilot, lambda: "no window open" in line_of(app, "5h", 1))
        assert "%" not in line_of(app, "5h", 1)


async def test_countdowns_tick_without_a_new_layout(monkeypatch: pytest.MonkeyPatch):
    """Once a second the figures are drawn again; nothing is measured and placed for it."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        screen = app.screen
        assert isinstance(screen, AccountsScreen)
        layouts: list[object] = []
        placed = screen._refresh_layout
        monkeypatch.setattr(
            screen, "_refresh_layout", lambda *a, **k: (layouts.append(a), placed(*a, **k))
        )
        worker.clock.advance(1)
        screen._tick()
        await until(pilot, lambda: "resets in 2:14:02" in text_of(app))
        assert "token 47:14" in text_of(app)
        assert not layouts


async def test_use_pause_resume_rename():
    """Each says what it did, and the card shows it."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        await pilot.press("u")
        await until(pilot, lambda: "it is the default already" in text_of(app))
        await pilot.press("down", "u")
        await until(pilot, lambda: "spare is the default now" in text_of(app))
        await until(pilot, lambda: "★ spare" in text_of(app))
        assert "★ work" not in text_of(app)
        await pilot.press("p")
        await until(pilot, lambda: "‖ paused" in line_of(app, "▸★ spare"))
        await pilot.press("p")
        await until(pilot, lambda: "● active" in line_of(app, "▸★ spare"))
        await pilot.press("n")
        await until(pilot, lambda: "Rename spare" in text_of(app))
        await pilot.press("ctrl+u")
        await type_in(pilot, "second")
        await pilot.press("enter")
        await until(pilot, lambda: "★ second" in text_of(app))


async def test_refreshing_asks_for_the_quota_too_even_when_the_tokens_fail():
    """The failure is an alert and names what happened; the quota is asked for all the same."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "work has new tokens" in text_of(app))
        assert ("POST", "/v1/accounts/id-work/quota", None) in worker.calls
        await pilot.press("G", "r")
        await until(pilot, lambda: "has to be connected anew" in text_of(app))
        await until(pilot, lambda: ("POST", "/v1/accounts/id-lab/quota", None) in worker.calls)


async def test_removing_is_confirmed_and_can_be_undone():
    """The question starts on Cancel and names the pool; z lists what can be brought back."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        await pilot.press("d")
        await until(pilot, lambda: "It leaves ANTHROPIC" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert len(worker.lent.accounts) == 3
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "z brings it back until" in text_of(app))
        await until(pilot, lambda: "work@example.com" not in text_of(app))
        await pilot.press("z")
        await until(pilot, lambda: "Bring an account back" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "work is back" in text_of(app))
        assert len(worker.lent.accounts) == 3


async def test_a_new_pool_has_members_a_strategy_and_priorities():
    """The form makes the pool and changes the priorities that were changed."""
    worker = accounts_worker()
    worker.lent.pools.clear()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        assert "no credential uses these accounts" in text_of(app)
        await pilot.press("o", "enter")
        await until(pilot, lambda: "A new pool" in text_of(app))
        await type_in(pilot, "claude")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Choose at least one account" in text_of(app))
        await pilot.press("tab", "enter", "down", "down", "enter")
        await pilot.press("tab", "space", "tab", "backspace", "5", "tab", "space", "ctrl+s")
        await until(pilot, lambda: "Pool CLAUDE is saved" in text_of(app))
    pool = worker.lent.pools[0]
    assert (pool.key, pool.strategy, pool.accounts) == ("CLAUDE", "round-robin", ["work", "spare"])
    assert worker.lent.accounts[0].priority == 5
    (asked,) = worker.asked("POST", "/v1/pools")
    assert asked.settings == {
        "warn_left": 0.2, "move_left": 0.05, "reserve": 0.0, "allow_extra_usage": False
    }  # fmt: skip


async def test_members_leave_and_join_and_a_pool_is_deleted_after_a_question():
    """Who stays keeps the place; deleting starts on Cancel."""
    worker = accounts_worker()
    worker.lent._put(worker.lent.accounts[2], state="active")
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        await pilot.press("o", "enter")
        await until(pilot, lambda: "Pool ANTHROPIC" in text_of(app))
        await pilot.press("tab", "tab", "tab", "space", "tab", "tab", "space", "ctrl+s")
        await until(pilot, lambda: "Pool ANTHROPIC is saved" in text_of(app))
        assert worker.lent.pools[0].accounts == ["work", "lab"]
        await pilot.press("o", "enter")
        await until(pilot, lambda: "ctrl+d delete" in text_of(app))
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "Delete pool ANTHROPIC?" in text_of(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: not worker.lent.pools)


async def test_the_log_tells_each_choice_with_its_reason_and_stays_current():
    """A switch that happens while it is open appears in it."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_accounts(pilot)
        await pilot.press("l")
        await until(pilot, lambda: "ANTHROPIC would choose work" in text_of(app))
        assert "work after spare: spare is exhausted" in text_of(app)
        first = worker.lent.latest[0]
        news = msgspec.structs.replace(first, account="spare", former="work", reason="its turn")
        worker.lent.latest.insert(0, news)
        data = {"vault": "default", "name": "spare", "former": "work", "pool": "ANTHROPIC"}
        worker.emit("account.switched", data | {"reason": "its turn", "by": "worker"})
        await until(pilot, lambda: "spare after work: its turn" in text_of(app))


async def test_a_read_only_console_looks_and_changes_nothing():
    """Every change is greyed and says why; pools and log can be read."""
    worker = accounts_worker()
    app = console(worker, read_only=True)
    async with running(app) as pilot:
        await on_accounts(pilot)
        assert "(p pause)" in text_of(app)
        for key in ("p", "d", "plus", "r", "c"):
            await pilot.press(key)
            await until(pilot, lambda: "--read-only" in text_of(app))
        await pilot.press("o", "enter")
        await pilot.press("l")
        await until(pilot, lambda: "would choose work" in text_of(app))
    assert not any(method not in {"GET"} for method, _, _ in worker.calls)


async def test_no_account_says_how_to_get_one():
    """The empty screen names the key and the command."""
    app = console(FakeWorker())
    async with running(app, (80, 24)) as pilot:
        await on_accounts(pilot, "No accounts yet")
        assert "vault-tui account add" in text_of(app)


async def test_on_a_small_terminal_the_detail_takes_the_place_of_the_cards():
    """Enter opens it, Escape brings the cards back."""
    app = console(accounts_worker())
    async with running(app, (80, 24)) as pilot:
        await on_accounts(pilot)
        assert "TOKENS" not in text_of(app)
        await pilot.press("G", "enter")
        await until(pilot, lambda: "invalid_grant: the token was revoked" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "resets in" in text_of(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_names_and_reasons_are_shown_and_not_obeyed(size: tuple[int, int]):
    """Names, e-mails, reasons and errors come from providers."""
    evil = "\x1b]52;c;ZXZpbA==\x07[@click=app.quit]x[/]\u202e\r\n[red]"
    worker = accounts_worker()
    worker.lent.accounts.clear()
    worker.lent.account(
        "a" + evil, email=evil, tier=evil, why=evil, last_error=evil, state=evil, quota_error=evil,
        limited={evil: rfc3339(NOW + 60)}, pools=[evil], windows=[worker.lent.window(evil, 0.5)],
    )  # fmt: skip
    worker.lent.pools.clear()
    worker.lent.pool("K" + evil, evil)
    worker.lent.latest = [
        wire_choice for choice in worker.lent.latest
        for wire_choice in [msgspec.structs.replace(choice, reason=evil, account=evil)]
    ]  # fmt: skip
    app = console(worker)
    async with running(app, size) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "in flight" in text_of(app))
        for key in ("enter", "escape", "l", "escape", "o", "escape"):
            await pilot.press(key)
            await pilot.pause(0.05)
            shown = text_of(app)
            assert not any(ord(c) < 32 and c != "\n" for c in shown)
            assert "\u202e" not in shown
            assert max(len(line) for line in shown.splitlines()) <= size[0]
