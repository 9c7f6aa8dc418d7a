"""What is done with a login whose lock is held: a pure rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.services.logins.verdict import INTENT_GRACE, Reason, Verdict, judge
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin

NOW, ME = 1_750_000_000.0, "me#1"


def row(**fields: object) -> OAuthLogin:
    """A connected login of generation 3, of which nothing special is known."""
    usual: dict[str, object] = {
        "id": "l1",
        "vault_id": "v1",
        "provider": "",
        "client": {},
        "generation": 3,
        "scopes": "",
        "obtained_at": NOW - 100,
        "state": store.CONNECTED,
        "lease_owner": ME,
    }
    return OAuthLogin(**{**usual, **fields})


def verdict(
    found: OAuthLogin, reason: Reason = Reason.DUE, known: int = 3, lives: bool | None = False
) -> Verdict:
    """The verdict; `lives` is what is known of whoever stands in the row."""
    return judge(found, known, reason, NOW, ME, lambda _owner: lives)


@pytest.mark.parametrize("reason", Reason)
def test_a_login_that_nobody_touched_is_refreshed(reason: Reason) -> None:
    """Whatever the reason."""
    assert verdict(row(), reason) is Verdict.REFRESH


@given(
    known=st.integers(0, 2),
    reason=st.sampled_from(Reason),
    state=st.sampled_from((store.CONNECTED, store.RECONNECT, store.PENDING)),
    intent=st.none() | st.integers(0, 4),
    retried=st.booleans(),
)
def test_newer_tokens_are_always_adopted(
    known: int, reason: Reason, state: str, intent: int | None, retried: bool
) -> None:
    """The provider is never asked with a generation that the caller hasn't even seen."""
    found = row(state=state, intent_generation=intent, intent_retried=retried)
    assert verdict(found, reason, known) is Verdict.ADOPT


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"state": store.RECONNECT}, Verdict.REFRESH),
        ({"state": store.PENDING}, Verdict.ADOPT),
        ({"retry_at": NOW + 10}, Verdict.REFRESH),
    ],
)
def test_only_an_operator_asks_again(fields: dict[str, object], asked: Verdict) -> None:
    """A refusal for good and a pause are another worker's findings: they hold here, too."""
    assert verdict(row(**fields), Reason.DUE) is Verdict.ADOPT
    assert verdict(row(**fields), Reason.REFUSED) is Verdict.ADOPT
    assert verdict(row(**fields), Reason.ASKED) is asked


def test_a_pause_beyond_any_that_is_set_is_a_clock_put_back() -> None:
    """It holds nobody up."""
    assert verdict(row(retry_at=NOW + 365 * 86_400)) is Verdict.REFRESH
    assert verdict(row(retry_at=NOW - 1)) is Verdict.REFRESH


def test_an_intent_of_a_dead_worker_is_tried_once() -> None:
    """The second time the tokens are given up; an operator may still try."""
    once = row(intent_generation=3, intent_at=NOW - 1, lease_owner="other#1")
    twice = row(intent_generation=3, intent_at=NOW - 1, lease_owner="other#1", intent_retried=True)
    assert verdict(once) is Verdict.REFRESH
    assert verdict(twice) is Verdict.GIVE_UP
    assert verdict(twice, Reason.ASKED) is Verdict.REFRESH


@pytest.mark.parametrize("lives", [True, None])
def test_an_intent_of_a_worker_that_may_live_is_waited_for(lives: bool | None) -> None:
    """It may have new tokens that it can't store yet; after a while it has none."""
    fields = {"intent_generation": 3, "lease_owner": "other#1"}
    assert verdict(row(**fields, intent_at=NOW - 1), lives=lives) is Verdict.WAIT
    assert verdict(row(**fields, intent_at=NOW - INTENT_GRACE), lives=lives) is Verdict.REFRESH


def test_ones_own_intent_is_not_waited_for() -> None:
    """The worker knows that it isn't asking any more."""
    assert verdict(row(intent_generation=3, intent_at=NOW), lives=True) is Verdict.REFRESH


def test_an_intent_of_an_earlier_generation_is_history() -> None:
    """Its tokens were stored."""
    old = row(intent_generation=2, intent_at=NOW, lease_owner="other#1", intent_retried=True)
    assert verdict(old, lives=True) is Verdict.REFRESH
