"""What responses and polls tell of an account: kept, and announced when it matters."""

from collections.abc import Callable, Sequence

from proxy_core.domain.accounts.account import Account, AccountState
from proxy_core.domain.accounts.cooling import TOO_MANY, refusal
from proxy_core.domain.accounts.headers import NOTHING_TOLD, Header, HeaderQuota, read_headers
from proxy_core.domain.accounts.windows import Window
from proxy_core.domain.events import EventType
from proxy_core.services.accounts import state as shared

_ANNOUNCED = {
    AccountState.COOLING: EventType.ACCOUNT_COOLING,
    AccountState.EXHAUSTED: EventType.ACCOUNT_EXHAUSTED,
}


UNKNOWN_PAYING = 300.0
"""Seconds for which an account is left alone that costs money, where no reset is told."""


class Observer:
    """Runs within requests: touches memory only."""

    def __init__(self, state: shared.AccountState) -> None:
        self._state = state

    def response(self, account_id: str, status: int, headers: Sequence[Header]) -> None:
        """The head of a response to a request that the account has served."""
        account = self._state.roster.accounts.get(account_id)
        if account is None:
            return
        told = read_headers(headers, self._state.now)
        if status == TOO_MANY:
            self._refused(account, told, status)
        else:
            self._served(account, told, status)

    def overloaded(self, account_id: str, status: int, headers: Sequence[Header]) -> None:
        """A refusal that says nothing of the quota: a status of 500 or more, or an error event."""
        account = self._state.roster.accounts.get(account_id)
        if account is not None:
            self._refused(account, read_headers(headers, self._state.now), status)

    def polled(self, account: Account, windows: Sequence[Window]) -> None:
        """The provider's own account of an account's quota."""
        life, now = self._state.lives.of(account.id), self._state.now

        def learn() -> None:
            life.learn(windows, now)
            life.seen_at = life.polled_at = now
            life.poll_error = ""

        self._note(account, learn)

    def _served(self, account: Account, told: HeaderQuota, status: int) -> None:
        life, now = self._state.lives.of(account.id), self._state.now

        def learn() -> None:
            if told is not NOTHING_TOLD:
                life.learn(told.windows, now)
                life.seen_at = now
                life.paying_until = _paying_until(told, now)
            if status < 400:
                life.accept()

        self._note(account, learn)

    def _refused(self, account: Account, told: HeaderQuota, status: int) -> None:
        life, now = self._state.lives.of(account.id), self._state.now

        def learn() -> None:
            life.failures += 1
            life.refuse(refusal(told, status, life.failures, now), now)
            if told.windows:
                life.seen_at = now

        self._note(account, learn)

    def _note(self, account: Account, learn: Callable[[], None]) -> None:
        state = self._state
        before, before_shown = state.standing(account), self._shown(account)
        learn()
        state.lives.touch(account.id)
        after = state.standing(account)
        if after.state is not before.state or after.until != before.until:
            event = _ANNOUNCED.get(after.state, EventType.ACCOUNT_CHANGED)
            state.announce(event, account, state=after.state, until=after.until, reason=after.why)
        elif self._shown(account) != before_shown:
            state.announce(EventType.ACCOUNT_CHANGED, account, state=after.state, change="quota")

    def _shown(self, account: Account) -> tuple[tuple[str, int, str, float | None], ...]:
        """The figures as they are shown: an event for each per cent, not for each response."""
        windows = self._state.lives.of(account.id).windows.values()
        return tuple(
            (one.name, round((one.used or 0.0) * 100), one.status, one.resets_at) for one in windows
        )


def _paying_until(told: HeaderQuota, now: float) -> float:
    """Until when requests cost money, if this one did; 0 if it did not."""
    return (told.resets_at or now + UNKNOWN_PAYING) if told.extra_usage else 0.0
