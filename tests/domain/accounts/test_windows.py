"""Quota windows: open and closed, merged, stored, and which model they limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.accounts.usage import read_usage
from proxy_core.domain.accounts.windows import (
    MAX_WINDOWS,
    Window,
    WindowStatus,
    canonical_name,
    family_of,
    limits,
    merged,
    read_windows,
    share_left,
    window_documents,
)

NOW = 1_750_000_000.0
REJECTED, ALLOWED = WindowStatus.REJECTED, WindowStatus.ALLOWED


def test_a_window_closes_at_its_reset() -> None:
    """From then on nothing of it is used, and nobody knows of a next reset."""
    window = Window("5h", 1.0, NOW + 10, REJECTED, NOW)
    assert window.is_rejecting(NOW + 9.9)
    assert not window.is_rejecting(NOW + 10)
    assert window.at(NOW + 10) == Window("5h", 0.0, None, WindowStatus.UNKNOWN, NOW)
    assert window.at(NOW + 9) is window


@pytest.mark.parametrize(
    ("window", "full"),
    [
        (Window("5h", 0.99), False),
        (Window("5h", 1.0), True),
        (Window("5h", 1.0, status=ALLOWED), False),
        (Window("5h", 0.2, status=REJECTED), True),
        (Window("5h"), False),
    ],
)
def test_what_the_provider_says_of_a_window_counts(window: Window, full: bool) -> None:
    """Its status before its figure."""
    assert window.is_full is full


@pytest.mark.parametrize(
    ("window", "model", "limited"),
    [
        ("5h", "", True),
        ("7d", "claude-opus-4-1", True),
        ("7d_opus", "claude-opus-4-1", True),
        ("7d_opus", "Claude-Opus-5", True),
        ("7d_opus", "claude-sonnet-4-5", False),
        ("7d_opus", "", False),
        ("7d_sonnet", "claude-sonnet-4-5", True),
        ("7d_oi", "claude-sonnet-4-5", False),
        ("7d_oauth_apps", "anything", True),
        ("overage", "anything", False),
        ("tokens", "anything", True),
    ],
)
def test_which_window_limits_which_model(window: str, model: str, limited: bool) -> None:
    """A family's window limits the models of that name alone; extra usage limits nothing."""
    assert limits(window, model) is limited


def test_names() -> None:
    """The usage document's and the header fields' are one."""
    assert canonical_name("seven_day_opus") == canonical_name("7d_opus") == "7d_opus"
    assert canonical_name("five_hour") == "5h"
    assert canonical_name("extra_usage") == "overage"
    assert canonical_name("input-tokens") == "input_tokens"
    assert (family_of("7d_opus"), family_of("7d"), family_of("7d_oi")) == ("opus", "", "")


def test_the_least_that_is_left_counts() -> None:
    """Of the windows that limit the model; full ones have nothing left whatever their figure."""
    windows = {
        "5h": Window("5h", 0.5, NOW + 60),
        "7d": Window("7d", 0.8, NOW + 60),
        "7d_opus": Window("7d_opus", 0.1, NOW + 60, REJECTED),
    }
    assert share_left(windows, "claude-sonnet", NOW) == pytest.approx(0.2)
    assert share_left(windows, "claude-opus", NOW) == 0
    assert share_left({}, "", NOW) == 1
    assert share_left(windows, "", NOW + 61) == 1


def test_older_news_changes_nothing() -> None:
    """A long stream's head, told late, does not put figures back."""
    known = {"5h": Window("5h", 0.5, NOW + 60, observed_at=NOW)}
    assert merged(known, [Window("5h", 0.4, NOW + 60, observed_at=NOW - 1)]) == known


def test_a_status_alone_leaves_the_figures_of_the_same_opening() -> None:
    """But not those of the opening before it."""
    known = {"7d": Window("7d", 0.9, NOW + 60, observed_at=NOW)}
    news = Window("7d", None, NOW + 60, REJECTED, NOW + 1)
    assert merged(known, [news])["7d"].used == 0.9
    after = Window("7d", None, NOW + 9000, REJECTED, NOW + 61)
    assert merged(known, [after])["7d"].used is None


def test_no_more_windows_than_make_sense() -> None:
    """A provider that makes up names fills no memory."""
    news = [Window(f"w{number}", 0.5, observed_at=NOW) for number in range(100)]
    known = merged({}, news)
    assert len(known) == MAX_WINDOWS
    assert "7d" in merged(known, [Window("7d", 0.5, observed_at=NOW)])


_WINDOWS = st.builds(
    Window,
    st.sampled_from(["5h", "7d", "7d_opus", "overage"]),
    st.none() | st.floats(0, 2),
    st.none() | st.floats(NOW - 1000, NOW + 1000),
    st.sampled_from(list(WindowStatus)),
    st.floats(NOW - 10, NOW + 10),
)


@given(st.lists(_WINDOWS), st.lists(_WINDOWS))
def test_merging_touches_the_windows_that_are_told_of(
    first: list[Window], second: list[Window]
) -> None:
    """Every other one stays as it was, figure by figure; a newer one with a figure is taken."""
    known = merged({}, first)
    after = merged(known, second)
    told = {window.name for window in second}
    assert {name: one for name, one in after.items() if name not in told} == {
        name: one for name, one in known.items() if name not in told
    }
    for window in second:
        assert after[window.name].observed_at >= window.observed_at


@given(st.lists(_WINDOWS))
def test_stored_and_read_again(windows: list[Window]) -> None:
    """Nothing is lost."""
    known = {window.name: window for window in windows}
    assert read_windows(window_documents(known)) == known


def test_a_damaged_document_is_left_out() -> None:
    """The rest is read."""
    stored = {"5h": {"used": "x"}, "7d": window_documents({"7d": Window("7d", 0.5)})["7d"], "x": 1}
    assert set(read_windows(stored)) == {"7d"}


# --- the usage document -----------------------------------------------------------------------


def test_a_usage_document_just_after_a_reset() -> None:
    """The window that it tells of is over: nothing is used, and the other one stays as told."""
    document = {
        "five_hour": {"utilization": 100, "resets_at": "2025-06-15T15:06:39Z"},
        "seven_day": {"utilization": 60, "resets_at": "2025-06-20T00:00:00Z"},
    }
    now = 1_750_000_000.0
    short, week = read_usage(document, now)
    assert (short.used, short.resets_at, short.is_full) == (0.0, None, False)
    assert (week.used, week.resets_at) == (0.6, 1_750_377_600.0)


def test_a_usage_document() -> None:
    """Per cent and RFC 3339; what is null is no window, a null reset is no reset."""
    windows = read_usage(
        {
            "five_hour": {"utilization": 12.5, "resets_at": "2025-06-15T18:00:00.123456+00:00"},
            "seven_day": {"utilization": 0, "resets_at": None},
            "seven_day_opus": None,
            "seven_day_oauth_apps": {"utilization": 10**400, "resets_at": None},
            "seven_day_sonnet": {"utilization": 100, "resets_at": "2025-06-20T00:00:00Z"},
            "extra_usage": {"is_enabled": True, "utilization": 3},
            "limits": [{"kind": "x"}],
        },
        NOW,
    )
    found = {one.name: (one.used, one.resets_at, one.is_full) for one in windows}
    assert found == {
        "5h": (0.125, 1750010400.123456, False),
        "7d": (0.0, None, False),
        "7d_sonnet": (1.0, 1750377600.0, True),
        "overage": (0.03, None, False),
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["five_hour", "utilization", "resets_at", "extra_usage", "x"]),
                inner,
            )
        ),
        max_leaves=20,
    )
)
def test_any_document_is_read_without_failing(document: object) -> None:
    """Shares are finite and not negative."""
    for window in read_usage(document, NOW):
        assert window.used is not None
        assert 0 <= window.used < float("inf")
