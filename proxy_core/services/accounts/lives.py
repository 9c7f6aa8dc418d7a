"""What is known of each account while the worker runs. Everything here is touched by requests: no
database, nothing that waits. What changed is stored now and then (`take_changed`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy_core.domain.accounts.account import Condition
from proxy_core.domain.accounts.burning import Sample, with_sample
from proxy_core.domain.accounts.cooling import Refusal, Rest
from proxy_core.domain.accounts.windows import Window, merged, read_windows, window_documents
from proxy_core.store import tables
from proxy_core.store.accounts import AccountUse


@dataclass(slots=True)
class Life:
    """One account. `failures` are refusals in a row; times are epoch seconds.

    `seen_at`: when a response last told of its quota; `polled_at`: when the provider was last
    asked for it, `poll_error` what went wrong then.
    """

    windows: dict[str, Window] = field(default_factory=dict)
    rest: Rest | None = None
    paying_until: float = 0.0
    failures: int = 0
    in_flight: int = 0
    last_used_at: float | None = None
    seen_at: float = 0.0
    polled_at: float = 0.0
    poll_after: float = 0.0
    poll_error: str = ""
    samples: dict[str, tuple[Sample, ...]] = field(default_factory=dict)

    def condition(self, connected: bool) -> Condition:
        """What the rules ask of it."""
        return Condition(self.windows, self.rest, connected, self.paying_until)

    def learn(self, windows: Sequence[Window], now: float) -> None:
        """Take in newer figures."""
        self.windows = merged(self.windows, windows)
        for window in windows:
            if window.used is not None and window.name in self.windows:
                known = self.samples.get(window.name, ())
                self.samples[window.name] = with_sample(known, Sample(now, window.used))

    def refuse(self, refused: Refusal, now: float) -> None:
        """The provider has refused a request."""
        self.learn(refused.windows, now)
        self.rest = refused.rest

    def accept(self) -> None:
        """The provider has served a request: what it refused before counts no more."""
        self.failures = 0
        self.rest = None

    def use(self) -> AccountUse:
        """What is stored of it."""
        rest = self.rest
        return AccountUse(
            quota=window_documents(self.windows),
            last_used_at=self.last_used_at,
            cooling_until=None if rest is None else rest.until,
            cooling_reason="" if rest is None else rest.reason,
        )


class Lives:
    """By account id."""

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}
        self._changed: set[str] = set()

    def of(self, account_id: str) -> Life:
        """An account's life; a new one for an account that was never seen."""
        life = self._lives.get(account_id)
        if life is None:
            life = self._lives[account_id] = Life()
        return life

    def remember(self, rows: Iterable[tables.Account]) -> None:
        """Take in what is stored."""
        for row in rows:
            self._lives[row.id] = Life(
                windows=read_windows(row.quota),
                rest=_rest(row),
                last_used_at=row.last_used_at,
            )

    def take_in(self, rows: Iterable[tables.Account]) -> None:
        """Take in what another worker has stored. What was learnt here since counts more."""
        for row in rows:
            life = self.of(row.id)
            life.windows = merged(life.windows, read_windows(row.quota).values())
            life.last_used_at = max(life.last_used_at or 0.0, row.last_used_at or 0.0) or None
            if row.id not in self._changed:
                life.rest = _rest(row)

    def forget(self, account_ids: Iterable[str]) -> None:
        """Accounts were deleted."""
        for account_id in account_ids:
            self._lives.pop(account_id, None)
            self._changed.discard(account_id)

    def touch(self, account_id: str) -> None:
        """Let the account be stored at the next occasion."""
        self._changed.add(account_id)

    def take_changed(self) -> dict[str, AccountUse]:
        """What is to be stored since the last call."""
        changed = {one: self._lives[one].use() for one in self._changed if one in self._lives}
        self._changed.clear()
        return changed

    def put_back(self, uses: Mapping[str, AccountUse]) -> None:
        """It could not be stored: again next time."""
        self._changed.update(uses)


def _rest(row: tables.Account) -> Rest | None:
    return None if row.cooling_until is None else Rest(row.cooling_until, row.cooling_reason)
