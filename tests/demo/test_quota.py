"""The demo's quota: a function of time."""

from hypothesis import given
from hypothesis import strategies as st

from vault_tui.demo.cast import GRANTS
from vault_tui.demo.quota import Course, header_lines, usage_document

ACCOUNTS = [grant for grant in GRANTS if grant.quota]


@given(st.floats(0, 1e6), st.sampled_from(ACCOUNTS))
def test_what_is_used_is_a_share_and_resets_lie_ahead(seconds: float, grant: object):
    """However long the play lasts."""
    for course in grant.quota.values():  # type: ignore[attr-defined]
        used, left = course.at(seconds)
        assert 0 <= used <= 1
        assert left is None or 0 < left <= course.lasts


def test_a_window_grows_until_its_reset_and_begins_anew():
    """The first one with what was used before the play."""
    course = Course(lasts=3600, opened=1800, first=0.4, per_hour=0.2)
    assert course.at(0) == (0.5, 1800)
    used, left = course.at(1800)
    assert (used, left) == (0, 3600)
    assert Course().at(7) == (0.0, None)


def test_the_default_account_runs_low_soon_and_is_reset_soon_after():
    """So that a short play shows a switch, and the way back; the other one has enough for both."""
    work, spare = (grant.quota["5h"] for grant in ACCOUNTS[:2])
    shares = [work.at(second)[0] for second in range(130)]
    assert shares[0] < 0.9
    assert any(share > 0.95 for share in shares[:110])
    assert work.at(131)[0] < 0.05
    assert all(spare.at(second)[0] < 0.95 for second in range(0, 36_000, 60))


def test_a_window_that_is_not_open_is_told_as_the_provider_does():
    """No header lines; null in the usage document."""
    courses = {"5h": Course(3600, 0, 0.5), "7d_opus": Course()}
    lines = header_lines(courses, 10, 1000)
    assert "anthropic-ratelimit-unified-5h-utilization: 0.5000" in lines
    assert "anthropic-ratelimit-unified-5h-reset: 4591" in lines
    assert not any("opus" in line for line in lines)
    document = usage_document(courses, 10, 1000)
    assert document["seven_day_opus"] == {"utilization": 0.0, "resets_at": None}
    assert document["five_hour"] == {"utilization": 50.0, "resets_at": "1970-01-01T01:16:30.000Z"}
