"""What to do with a login once its lock is held and its row has been read: a pure rule.

newer tokens in the row            adopt them: another worker was faster
not connected                      adopt that, unless an operator asks for a last try
backing off                        adopt that, unless an operator asks
an intent stands, its worker lives wait: it may be about to store what it got
an intent stands, and was retried  give up: the same tokens were tried twice and lost
otherwise                          refresh
"""

from collections.abc import Callable
from enum import StrEnum

from proxy_core.domain.oauth.timing import LONGEST_RETRY_AFTER
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin

INTENT_GRACE = 120.0
"""Seconds that another worker gets to store what it was given; longer than any request lasts."""


class Reason(StrEnum):
    """Why a refresh is wanted."""

    DUE = "due"
    REFUSED = "refused"
    """The upstream has answered 401."""
    ASKED = "asked"
    """By an operator."""


class Verdict(StrEnum):
    """What to do."""

    ADOPT = "adopt"
    REFRESH = "refresh"
    WAIT = "wait"
    GIVE_UP = "give up"


def judge(
    row: OAuthLogin,
    known: int,
    reason: Reason,
    now: float,
    me: str,
    lives: Callable[[str], bool | None],
) -> Verdict:
    """`known` is the generation that the caller wants to replace; `lives` tells of an owner."""
    if row.generation != known or row.state == store.PENDING:
        return Verdict.ADOPT
    if reason is not Reason.ASKED:
        waiting = 0 < (row.retry_at or 0.0) - now <= 2 * LONGEST_RETRY_AFTER
        if row.state != store.CONNECTED or waiting:
            return Verdict.ADOPT
    if row.intent_generation != row.generation:
        return Verdict.REFRESH
    if _may_still_store(row, now, me, lives):
        return Verdict.WAIT
    if row.intent_retried and reason is not Reason.ASKED:
        return Verdict.GIVE_UP
    return Verdict.REFRESH


def _may_still_store(
    row: OAuthLogin, now: float, me: str, lives: Callable[[str], bool | None]
) -> bool:
    """Whether the worker that asked last, having lost the lock, may yet come with new tokens."""
    if row.lease_owner == me or lives(row.lease_owner) is False:
        return False
    return abs(now - (row.intent_at or 0.0)) < INTENT_GRACE
