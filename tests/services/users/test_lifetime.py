"""How long sessions live: pure rules."""

from hypothesis import given
from hypothesis import strategies as st

from proxy_core.services.users.lifetime import LONGEST_SECONDS, SessionRules

SECONDS = st.floats(0, 100 * 86_400, allow_nan=False)


@given(SECONDS, SECONDS, SECONDS, st.booleans())
def test_a_session_never_ends_sooner_by_use_nor_later_than_it_may(
    lifetime: float, begun_before: float, left: float, sliding: bool
) -> None:
    """Use never shortens a session; sliding never carries it past the longest life."""
    rules, now = SessionRules(lifetime, sliding, 900.0), 1_750_000_000.0
    created, expires = now - begun_before, now + left
    end = rules.end(created, expires, now)
    assert end >= expires
    assert end <= max(expires, created + LONGEST_SECONDS)
    if not sliding:
        assert end == expires


@given(SECONDS, SECONDS)
def test_a_use_gives_a_whole_lifetime_as_long_as_there_is_one(
    lifetime: float, begun_before: float
) -> None:
    """A sliding session that is used now lives on for its lifetime, or to the longest life."""
    rules, now = SessionRules(lifetime, True, 900.0), 1_750_000_000.0
    end = rules.end(now - begun_before, now + 1, now)
    assert end >= min(now + lifetime, now - begun_before + LONGEST_SECONDS)
