"""Checking the audit's chain: entry by entry, the first fault ends it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy_core.domain import audit


@dataclass(frozen=True, slots=True)
class Ends:
    """What the head says: `seq` and `hash` of the last entry, and of the last that was pruned."""

    seq: int
    hash: bytes
    start_seq: int
    start_hash: bytes
    start_seal: bytes


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry's number and hash that somebody wrote down elsewhere."""

    seq: int
    hash: bytes


@dataclass(slots=True)
class Check:
    """`key` None: the vault is sealed, and seals are not looked at.

    `fault` says in a sentence what is wrong, `fault_seq` at which entry; empty: nothing is.
    `unsealed` counts the last entries, those that no seal covers.
    """

    ends: Ends
    key: bytes | None
    noted: Noted | None = None
    count: int = 0
    unsealed: int = 0
    fault: str = ""
    fault_seq: int = 0
    _seq: int = field(init=False)
    _hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._seq, self._hash = self.ends.start_seq, self.ends.start_hash
        self._begin()

    @property
    def position(self) -> int:
        """The last entry that was looked at."""
        return self._seq

    def take(self, link: audit.Link, columns: Mapping[str, Any]) -> bool:
        """Look at the next entry and at what its row repeats of it; False at a fault."""
        if link.seq != self._seq + 1:
            missing = f"{self._seq + 1} to {link.seq - 1}"
            one = link.seq == self._seq + 2
            what = f"Entry {self._seq + 1} is" if one else f"Entries {missing} are"
            return self._fail(self._seq + 1, f"{what} missing.")
        if audit.hash_of(self._hash, link.seq, link.text) != link.hash:
            return self._fail(link.seq, f"Entry {link.seq} is not the one that was written.")
        if not _repeats(link.text, columns):
            return self._fail(link.seq, f"Entry {link.seq} is filed under what it does not say.")
        if not self._is_sealed_right(link):
            return self._fail(link.seq, f"Entry {link.seq} was not sealed with this vault's key.")
        self.unsealed = 0 if link.seal else self.unsealed + 1
        self.count += 1
        self._seq, self._hash = link.seq, link.hash
        return self._compare_noted()

    def end(self, more: bool = False) -> None:
        """There are no more entries up to the head's; `more`: there are some behind it."""
        if self.fault:
            return
        if more:
            self._fail(self.ends.seq + 1, f"Entry {self.ends.seq + 1} is behind the audit's end.")
        elif self._seq != self.ends.seq:
            self._fail(
                self._seq + 1,
                f"The audit ends at entry {self._seq}, but {self.ends.seq} were written.",
            )
        elif self._hash != self.ends.hash:
            self._fail(self._seq, f"The last entry, {self._seq}, is not the one that was written.")
        elif self.key is not None and self.count and self.unsealed == self.count:
            self._fail(
                self.ends.start_seq + 1, "No entry is sealed, although the vault has been open."
            )
        elif self.noted is not None and self.noted.seq > self._seq:
            self._fail(
                self._seq + 1,
                f"The audit ends at entry {self._seq}, before the noted entry {self.noted.seq}.",
            )

    def _is_sealed_right(self, link: audit.Link) -> bool:
        if self.key is None or not link.seal:
            return True
        return audit.is_seal(audit.seal_of(self.key, link.hash), link.seal)

    def _begin(self) -> None:
        ends = self.ends
        if ends.start_seq == 0:
            if ends.start_hash != audit.GENESIS:
                self._fail(1, "The audit's beginning was altered.")
        elif self.key is not None:
            expected = audit.start_seal(self.key, ends.start_seq, ends.start_hash)
            if not audit.is_seal(expected, ends.start_seal):
                self._fail(
                    ends.start_seq, f"Nothing vouches that entries up to {ends.start_seq} were old."
                )
        if not self.fault:
            self._compare_noted()

    def _compare_noted(self) -> bool:
        noted = self.noted
        if noted is not None and noted.seq == self._seq and noted.hash != self._hash:
            return self._fail(self._seq, f"Entry {self._seq} is not the one that was noted.")
        return True

    def _fail(self, seq: int, sentence: str) -> bool:
        self.fault, self.fault_seq = sentence, seq
        return False


def _repeats(text: str, columns: Mapping[str, Any]) -> bool:
    """Whether the columns by which an entry is found say what it says."""
    try:
        said = json.loads(text)
        return bool(
            (said["at"], said["vault_id"], said["vault"], said["action"])
            == (columns["at"], columns["vault_id"], columns["vault"], columns["action"])
            and said["actor"]["kind"] == columns["actor_kind"]
            and said["actor"]["name"] == columns["actor_name"]
        )
    except (ValueError, KeyError, TypeError):
        return False
