"""Countdowns, bars and cards: pure drawing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.domain.wire import QuotaWindow
from tests.console.fake_accounts import FakeAccounts
from tests.console.fake_worker import NOW
from vault_tui.widgets.account_card import card, token, window_line
from vault_tui.widgets.spans import bar, countdown, per_cent, seconds_until

STAMPS = st.none() | st.just("never") | st.floats(-1e6, 1e7).map(lambda s: rfc3339(NOW + s))
SHARES = st.none() | st.floats(0, 3)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (60, "1:00"), (3599, "59:59"), (3600, "1:00:00"),
     (86399, "23:59:59"), (86400, "1 d 0 h"), (352800, "4 d 2 h")],
)  # fmt: skip
def test_countdowns_are_as_exact_as_they_have_to_be(seconds: float, text: str):
    """Seconds while they matter, days and hours before; never negative."""
    assert countdown(seconds) == text


@given(st.floats(0, 5, allow_nan=False), st.integers(1, 60))
def test_a_bar_has_its_width_and_tells_nearly_empty_from_empty(share: float, width: int):
    """And nearly full from full."""
    drawn = bar(share, width, "$primary").plain
    assert len(drawn) == width
    assert ("━" in drawn or "╸" in drawn) == (share > 0)
    assert (drawn == "━" * width) == (share >= 1)


def test_a_share_that_is_not_known_is_no_number():
    """A status alone makes no per cent."""
    assert per_cent(None) == "–"  # noqa: RUF001 - the console's dash
    assert per_cent(0.625) == "62 %"
    assert seconds_until("no time", NOW) is None


@st.composite
def windows(draw: st.DrawFn) -> QuotaWindow:
    """Whatever a worker may tell."""
    return QuotaWindow(
        name=draw(st.text(max_size=30)), used=draw(SHARES), left=draw(SHARES),
        resets_at=draw(STAMPS), status=draw(st.sampled_from(["", "allowed", "rejected", "new"])),
        family="", warns=draw(st.booleans()), observed_at=rfc3339(NOW),
        burn_per_hour=draw(st.none() | st.floats(-10, 1000)),
        empty_in_seconds=draw(st.none() | st.floats(0, 1e9)),
    )  # fmt: skip


@given(st.lists(windows(), max_size=4), st.integers(40, 220), st.text(max_size=60), STAMPS)
def test_a_card_keeps_to_its_width_whatever_it_is_told(
    told: list[QuotaWindow], width: int, name: str, stamp: str | None
):
    """One line for each window, none wider than the card, nothing that acts."""
    account = FakeAccounts(FakeClock(NOW)).account(
        name, email=name, windows=told, until=stamp, expires_at=stamp, state=name, pools=[name]
    )
    drawn = card(account, width, NOW, pointed=True)
    lines = drawn.plain.split("\n")
    assert len(lines) == max(len(told), 1) + 2
    assert all(line.cell_length <= width for line in drawn.split("\n"))
    assert not any(ord(c) < 32 for line in lines for c in line)


@given(windows(), st.integers(79, 220))
def test_a_window_that_is_not_open_shows_no_figure(window: QuotaWindow, width: int):
    """Neither its old share nor a rate; an open one always shows when it is reset."""
    left = seconds_until(window.resets_at, NOW)
    line = window_line(window, width, NOW).plain
    is_open = left is not None and left > 0
    assert ("no window open" in line) == (not is_open)
    assert ("resets in" in line) == is_open
    if not is_open and "%" not in window.name:
        assert "%" not in line


def test_a_token_is_loud_only_when_its_refresh_is_overdue():
    """Shortly before its end is when tokens are refreshed: that is no reason to worry."""
    made = FakeAccounts(FakeClock(NOW))
    soon, due = rfc3339(NOW + 100), rfc3339(NOW + 50)
    styles = [
        token(made.account("a", expires_at=soon, next_refresh_at=due), NOW),
        token(made.account("b", expires_at=soon, next_refresh_at=rfc3339(NOW - 1)), NOW),
        token(made.account("c", expires_at=soon, next_refresh_at=None), NOW),
    ]
    assert ["$warning" in repr(found.spans) for found in styles] == [False, True, True]
    ended = token(made.account("d", expires_at=rfc3339(NOW - 1)), NOW)
    assert ended.plain == "token expired"
    assert token(made.account("e", expires_at=None), NOW).plain == "token without end"
