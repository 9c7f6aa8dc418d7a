"""Which conversation keeps which account: for an hour after its last request, a bounded number."""

from collections import OrderedDict

LIFETIME = 3600.0
MAX_CONVERSATIONS = 20_000

Key = tuple[str, str, str]
"""A pool's credential id, the conversation's name, the model."""


class Sticky:
    """The ones used longest ago go first."""

    def __init__(self, most: int = MAX_CONVERSATIONS) -> None:
        self._most = most
        self._kept: OrderedDict[Key, tuple[str, float]] = OrderedDict()

    def get(self, key: Key, now: float) -> str:
        """The account's id, empty when the conversation has none (any more)."""
        found = self._kept.get(key)
        if found is None:
            return ""
        account_id, expires_at = found
        if now >= expires_at:
            del self._kept[key]
            return ""
        return account_id

    def put(self, key: Key, account_id: str, now: float) -> None:
        """Let the conversation keep this account from now on."""
        self._kept[key] = account_id, now + LIFETIME
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, account_id: str) -> None:
        """The account was removed or paused: its conversations choose anew."""
        for key in [key for key, kept in self._kept.items() if kept[0] == account_id]:
            del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)
