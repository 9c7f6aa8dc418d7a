"""What was asked, and what the log must therefore hold.

A request counts once its head has reached the proxy whole. That is certain when anything has come
of it: an answer, a sighting upstream, an operator's question, or a connection that ended properly
behind it. Then the log has it exactly once. A head that was cut has no record; where a connection
was torn down behind a whole head, the proxy may or may not have read it: at most one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Entry:
    """One request. `sent`: all of its head has left; `proven`: it is certain to have arrived."""

    id: str
    kind: str
    sent: bool = False
    proven: bool = False


@dataclass(slots=True)
class Ledger:
    """Every request of the run; `outcomes` counts what agents saw, `faults` what they must not."""

    entries: dict[str, Entry] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def open(self, kind: str) -> Entry:
        """A request that is about to be made."""
        entry = Entry(f"r{len(self.entries):07d}", kind)
        self.entries[entry.id] = entry
        return entry

    def prove(self, identity: str) -> None:
        """The proxy has acted on it."""
        entry = self.entries.get(identity)
        if entry is not None:
            entry.proven = True

    def fault(self, what: str) -> None:
        """Something that must not happen."""
        self.faults.append(what)


def log_faults(
    entries: Mapping[str, Entry], logged: Mapping[str, int], where: str = "log"
) -> list[str]:
    """What is wrong with the records of a log, counted by request id."""
    faults = [f"{where}: unknown request {name}" for name in logged.keys() - entries.keys()]
    for entry in entries.values():
        least, most = int(entry.sent and entry.proven), int(entry.sent)
        count = logged.get(entry.id, 0)
        if not least <= count <= most:
            faults.append(f"{where}: {entry.kind} {entry.id} {count} times, not {least} to {most}")
    return faults


def upstream_faults(entries: Mapping[str, Entry], seen: Mapping[str, int]) -> list[str]:
    """Requests that the upstream must not have seen, or not as often. `seen` is by method and id.

    A GET whose kept connection broke may be sent again; nothing else may.
    """
    faults = []
    for name, count in seen.items():
        method, _, identity = name.partition(" ")
        entry = entries.get(identity)
        if entry is None or not entry.sent:
            faults.append(f"upstream: {name} was never sent")
        elif count > (2 if method == "GET" else 1):
            faults.append(f"upstream: {entry.kind} {name} came {count} times")
    return faults


def identity_of(path: str) -> str:
    """The request id in a logged path; empty when there is none."""
    return path.rpartition("/")[2] if path.count("/") == 2 else ""


def counted(paths: Iterable[str]) -> Counter[str]:
    """Requests by id."""
    return Counter(filter(None, map(identity_of, paths)))
