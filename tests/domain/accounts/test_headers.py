"""Quota in header fields: as the provider sends them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.accounts.headers import LONGEST_WAIT, read_headers
from proxy_core.domain.accounts.windows import FARTHEST_RESET, WindowStatus

NOW = 1_750_000_000.0
PREFIX = "anthropic-ratelimit-unified-"


def fields(**values: object) -> list[tuple[bytes, bytes]]:
    """Header fields of the unified family; `_` stands for `-` where a window has none."""
    return [(f"{PREFIX}{name}".encode(), str(value).encode()) for name, value in values.items()]


def named(**values: object) -> list[tuple[bytes, bytes]]:
    """Header fields whose names have no `_`."""
    return [(name.replace("_", "-").encode(), str(text).encode()) for name, text in values.items()]


def test_a_response_of_every_day() -> None:
    """As a subscription's responses have them, in any case of letters."""
    told = read_headers(
        [
            (b"Anthropic-RateLimit-Unified-Status", b"allowed_warning"),
            (b"anthropic-ratelimit-unified-representative-claim", b"five_hour"),
            (b"anthropic-ratelimit-unified-reset", b"1750010000"),
            (b"anthropic-ratelimit-unified-fallback", b"available"),
            (b"anthropic-ratelimit-unified-5h-utilization", b"0.83"),
            (b"anthropic-ratelimit-unified-5h-reset", b"1750010000"),
            (b"anthropic-ratelimit-unified-5h-status", b"allowed_warning"),
            (b"anthropic-ratelimit-unified-5h-surpassed-threshold", b"0.8"),
            (b"anthropic-ratelimit-unified-7d-utilization", b"0.12"),
            (b"anthropic-ratelimit-unified-7d-reset", b"1750400000"),
            (b"anthropic-ratelimit-unified-7d-status", b"allowed"),
            (b"anthropic-ratelimit-unified-7d_opus-utilization", b"0.5"),
            (b"anthropic-ratelimit-unified-overage-disabled-reason", b"org_level_disabled"),
            (b"content-type", b"application/json"),
        ],
        NOW,
    )
    windows = {one.name: one for one in told.windows}
    assert set(windows) == {"5h", "7d", "7d_opus"}
    short = windows["5h"]
    assert (short.used, short.resets_at, short.status) == (0.83, 1750010000, "allowed_warning")
    assert (windows["7d"].used, windows["7d"].resets_at) == (0.12, 1750400000)
    assert (windows["7d_opus"].used, windows["7d_opus"].resets_at) == (0.5, None)
    assert (told.status, told.claim, told.rejected) == ("allowed_warning", "5h", False)
    assert not told.extra_usage


@pytest.mark.parametrize(
    ("claim", "window"),
    [
        ("five_hour", "5h"),
        ("seven_day", "7d"),
        ("seven_day_opus", "7d_opus"),
        ("seven_day_sonnet", "7d_sonnet"),
        ("seven_day_overage_included", "7d_oi"),
        ("overage", "overage"),
        ("seven_day_mythical", "7d_mythical"),
    ],
)
def test_a_refusal_names_its_window(claim: str, window: str) -> None:
    """The claim's window is the one that is full, until the refusal's reset."""
    said = named(
        anthropic_ratelimit_unified_status="rejected",
        anthropic_ratelimit_unified_representative_claim=claim.replace("_", "-"),
        anthropic_ratelimit_unified_reset=int(NOW) + 500,
    )
    told = read_headers(said, NOW)
    (full,) = told.windows
    assert (full.name, full.status, full.resets_at) == (window, WindowStatus.REJECTED, NOW + 500)
    assert told.rejected


def test_a_windows_own_reset_wins_over_the_whole_ones() -> None:
    """And its share stays."""
    said = fields(
        **{
            "status": "rejected",
            "representative-claim": "seven_day",
            "reset": int(NOW) + 10,
            "7d-reset": int(NOW) + 900,
            "7d-utilization": "1.02",
        }
    )
    (full,) = read_headers(said, NOW).windows
    assert (full.used, full.resets_at) == (1.02, NOW + 900)


@pytest.mark.parametrize(
    "reset", ["null", "", "0", "-1", "nan", "inf", "1e400", "soon", NOW, NOW + FARTHEST_RESET + 1]
)
def test_resets_that_are_none(reset: object) -> None:
    """Past, absurd or no number: no reset is known, and no other window's is taken."""
    said = fields(**{"5h-utilization": "0.5", "5h-reset": reset, "7d-reset": int(NOW) + 60})
    windows = {one.name: one.resets_at for one in read_headers(said, NOW).windows}
    assert windows == {"5h": None, "7d": NOW + 60}


@pytest.mark.parametrize("share", ["", "-0.1", "nan", "inf", "101", "half", "null"])
def test_shares_that_are_none(share: str) -> None:
    """Left out rather than guessed."""
    (window,) = read_headers(fields(**{"5h-utilization": share}), NOW).windows
    assert window.used is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sun, 15 Jun 2025 15:07:40 GMT"}, 60),
        ({"retry-after": "Sun, 15 Jun 2025 15:00:00 GMT"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": "99999999"}, LONGEST_WAIT),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date; a wait of more than a day is cut."""
    said = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert read_headers(said, NOW).retry_after == seconds


@pytest.mark.parametrize("passed", [0, 0.5, 1, 3600])
@pytest.mark.parametrize("status", ["allowed", "allowed_warning", "rejected"])
def test_a_reset_that_has_passed_ends_its_window(passed: float, status: str) -> None:
    """What was used until then says nothing of now: no window is open, and nothing is used."""
    said = fields(
        **{
            "5h-utilization": "1.0",
            "5h-reset": NOW - passed,
            "5h-status": status,
            "7d-utilization": "0.4",
            "7d-reset": NOW + 60,
        }
    )
    short, week = read_headers(said, NOW).windows
    assert (short.used, short.resets_at, short.status, short.is_full) == (0.0, None, "", False)
    assert (week.used, week.resets_at) == (0.4, NOW + 60)


def test_a_refusal_whose_reset_has_passed_still_is_one() -> None:
    """It names its window, and no time: how long to rest is for others to say."""
    said = fields(
        **{
            "status": "rejected",
            "representative-claim": "seven_day_opus",
            "reset": NOW,
            "7d_opus-reset": NOW,
            "7d_opus-utilization": 1,
        }
    )
    told = read_headers(said, NOW)
    (full,) = told.windows
    assert told.rejected
    assert (full.name, full.status, full.resets_at) == ("7d_opus", "rejected", None)


def test_limits_of_an_api_key_that_have_been_lifted() -> None:
    """A minute that is over has nothing used."""
    said = [
        (b"anthropic-ratelimit-tokens-limit", b"80000"),
        (b"anthropic-ratelimit-tokens-remaining", b"0"),
        (b"anthropic-ratelimit-tokens-reset", b"2025-06-15T15:06:39Z"),
    ]
    (window,) = read_headers(said, NOW).windows
    assert (window.used, window.resets_at) == (0.0, None)


def test_limits_of_an_api_key() -> None:
    """Shares from limit and remaining; without both there is no window."""
    said = [
        (b"anthropic-ratelimit-tokens-limit", b"80000"),
        (b"anthropic-ratelimit-tokens-remaining", b"20000"),
        (b"anthropic-ratelimit-tokens-reset", b"2025-06-15T15:07:00Z"),
        (b"anthropic-ratelimit-requests-limit", b"50"),
        (b"anthropic-ratelimit-output-tokens-limit", b"0"),
        (b"anthropic-ratelimit-output-tokens-remaining", b"0"),
    ]
    (window,) = read_headers(said, NOW).windows
    assert (window.name, window.used, window.resets_at) == ("tokens", 0.75, NOW + 20)


def test_extra_usage_in_use() -> None:
    """A request that was paid for says so."""
    assert read_headers(fields(**{"overage-in-use": "true"}), NOW).extra_usage


def test_responses_without_quota() -> None:
    """Most of other providers'."""
    told = read_headers([(b"Content-Type", b"text/html"), (b"X-RateLimit-Reset", b"1")], NOW)
    assert (told.windows, told.status, told.retry_after) == ((), "", None)


_NAMES = st.sampled_from(
    ["5h-utilization", "5h-reset", "7d-status", "status", "reset", "representative-claim"]
) | st.text(max_size=30)


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=40))))
def test_whatever_comes_is_read_without_failing(said: list[tuple[str, bytes]]) -> None:
    """Shares are finite and not negative, resets lie ahead and within reach."""
    headers = [(f"{PREFIX}{name}".encode(), value) for name, value in said]
    for window in read_headers(headers, NOW).windows:
        assert window.used is None or 0 <= window.used <= 100
        assert window.resets_at is None or NOW < window.resets_at <= NOW + FARTHEST_RESET


@given(
    st.floats(0, 1), st.integers(1, int(FARTHEST_RESET)), st.floats(0, 1), st.integers(1, 600_000)
)
def test_windows_never_mix(used: float, reset: int, other: float, later: int) -> None:
    """What is said of one window is found at that window alone."""
    said = fields(
        **{
            "5h-utilization": used,
            "5h-reset": int(NOW) + reset,
            "7d-utilization": other,
            "7d-reset": int(NOW) + later,
        }
    )
    windows = {one.name: (one.used, one.resets_at) for one in read_headers(said, NOW).windows}
    assert windows == {"5h": (used, NOW + reset), "7d": (other, NOW + later)}
