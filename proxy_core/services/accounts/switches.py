"""The latest choices of each pool, with their reasons: what `account why` shows."""

from collections import deque
from dataclasses import dataclass

KEPT = 100


@dataclass(frozen=True, slots=True)
class Switch:
    """A pool went from one account to another; `from_account` empty: it was the first choice."""

    at: float
    from_account: str
    to_account: str
    reason: str


class Switches:
    """By pool. A choice that changes nothing and has the same reason is not kept again."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Switch]] = {}
        self._current: dict[str, str] = {}
        self._turn = 0
        self._taken: dict[tuple[str, str], int] = {}

    def current(self, credential_id: str) -> str:
        """The account that the pool chose last; empty before the first choice."""
        return self._current.get(credential_id, "")

    def chose(self, credential_id: str, account_id: str, reason: str, now: float) -> str:
        """Note a choice; answers the account before it if that was another one."""
        self._turn += 1
        self._taken[credential_id, account_id] = self._turn
        before = self._current.get(credential_id, "")
        self._current[credential_id] = account_id
        kept = self._kept.setdefault(credential_id, deque(maxlen=KEPT))
        if before != account_id or not kept or kept[-1].reason != reason:
            kept.append(Switch(now, before, account_id, reason))
        return before if before != account_id else ""

    def last_taken(self, credential_id: str, account_id: str) -> int:
        """The turn in which a pool last took an account; 0: never."""
        return self._taken.get((credential_id, account_id), 0)

    def latest(self, credential_id: str) -> list[Switch]:
        """Newest first."""
        return list(reversed(self._kept.get(credential_id, ())))

    def forget(self, credential_id: str) -> None:
        """The pool was deleted."""
        self._kept.pop(credential_id, None)
        self._current.pop(credential_id, None)
        for place in [place for place in self._taken if place[0] == credential_id]:
            del self._taken[place]
