"""Which service covers a request: a compiled, immutable index.

Order of preference: exact host before wildcard; with port before without; longest literal path
prefix; declaration order. Disabled services are matched like any other: policy refuses them.

The cost of a look-up does not grow with the number of services. Four tables may apply to a request
(exact or wildcard host, with or without port), each found by one dict look-up. In a table, globs
are found by their literal prefix, longest first: one look-up for each *length* of prefix in the
table. Only globs that share a literal prefix and differ behind their first `*` are tried in turn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ask, Decision
from proxy_core.domain.globs import Glob, compile_glob
from proxy_core.domain.service import Rule, Service
from proxy_core.domain.service_document import credential_keys
from proxy_core.domain.target import check_path, is_plain, spellings

_REMEMBERED = 1024
_REMEMBERED_PATH = 256
"""Look-ups that an index keeps, and the characters of the longest path among them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that was looked at, and why it won or lost."""

    service: Service
    matched: bool
    reason: str


@dataclass(slots=True, eq=False)
class Entry:
    """A service, its place in the declaration, and what is worked out once instead of per request.

    `decisions` holds the answers that policy has built: few, for they differ by rule only.
    """

    service: Service
    order: int
    glob: Glob
    keys: tuple[str, ...]
    rules: tuple[tuple[Rule, Glob], ...]
    decisions: dict[tuple[str, int], Decision | Ask] = field(default_factory=dict)


@dataclass(slots=True)
class PathTable:
    """The services of one host and port. `lengths` are the globs' literal lengths, descending."""

    exact: dict[str, Entry] = field(default_factory=dict)
    globs: dict[str, list[Entry]] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()

    def add(self, entry: Entry) -> None:
        """Entries must come in declaration order."""
        literal = entry.glob.literal
        if entry.glob.tail:
            self.globs.setdefault(literal, []).append(entry)
            if len(literal) not in self.lengths:
                self.lengths = tuple(sorted((*self.lengths, len(literal)), reverse=True))
        elif not any(earlier.glob.is_prefix for earlier in self.globs.get(literal, ())):
            # `/a*` declared before `/a` has the same literal length and wins on that one path.
            self.exact.setdefault(literal, entry)

    def find(self, path: str) -> Entry | None:
        """The best entry for this spelling of the path."""
        entry = self.exact.get(path)
        if entry is not None:
            return entry
        for candidate in self.tried(path):
            if candidate.glob.is_prefix or candidate.glob.tail_matches(path):
                return candidate
        return None

    def tried(self, path: str) -> Iterator[Entry]:
        """The entries whose literal prefix the path has, best first."""
        globs = self.globs
        size = len(path)
        for length in self.lengths:
            if length <= size:
                yield from globs.get(path[:length], ())


_Ports = dict[int, PathTable]


class ServiceIndex:
    """An immutable index over a vault's services, in their order of declaration."""

    __slots__ = ("_exact", "_found", "_wildcard", "entries", "services")

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = tuple(services)
        self.entries = tuple(
            _compile(service, order) for order, service in enumerate(self.services)
        )
        self._found: dict[tuple[str, int, str], Entry | None] = {}
        """What was looked up lately: agents ask for the same few things again and again."""
        self._exact: dict[str, _Ports] = {}
        self._wildcard: dict[str, _Ports] = {}
        for entry in self.entries:
            host = entry.service.host
            wildcard = host.startswith("*.")
            hosts = self._wildcard if wildcard else self._exact
            ports = hosts.setdefault(host[2:] if wildcard else host, {})
            ports.setdefault(entry.service.port, PathTable()).add(entry)

    def match(self, host: str, port: int, path: str) -> Service | None:
        """The service for a normalised host, or None.

        Raises VaultError bad_request: the path is malformed, or another spelling of it would go to
        another service.
        """
        entry = self.lookup(host, port, path)
        return entry.service if entry else None

    def lookup(self, host: str, port: int, path: str) -> Entry | None:
        """As `match`, with the compiled entry. Raises as it does."""
        asked = host, port, path
        if asked in self._found:
            return self._found[asked]
        found = self._look_up(host, port, path)
        if len(path) <= _REMEMBERED_PATH:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[asked] = found
        return found

    def _look_up(self, host: str, port: int, path: str) -> Entry | None:
        tables = self.tables(host, port)
        found = _best(tables, path)
        if not is_plain(path):
            check_path(path)
            for spelling in spellings(path):
                if _best(tables, spelling) is not found:
                    raise ambiguous_path()
        return found

    def tables(self, host: str, port: int) -> list[PathTable]:
        """The tables that may hold a service for this host and port, best first."""
        tables: list[PathTable] = []
        for ports in (
            self._exact.get(host),
            self._wildcard.get(host.partition(".")[2]) if self._wildcard else None,
        ):
            if ports is not None:
                if port in ports:
                    tables.append(ports[port])
                if 0 in ports:
                    tables.append(ports[0])
        return tables

    def explain(self, host: str, port: int, path: str) -> list[Candidate]:
        """Every service for this host, best first, and why it won or lost.

        Raises VaultError bad_request as `match` does.
        """
        winner = self.lookup(host, port, path)
        near = [entry for entry in self.entries if _covers_host(entry.service.host, host)]
        near.sort(key=_preference)
        return [
            Candidate(entry.service, entry is winner, _reason(entry, winner, port, path))
            for entry in near
        ]


def _compile(service: Service, order: int) -> Entry:
    rules = tuple((rule, compile_glob(rule.path)) for rule in service.rules)
    return Entry(service, order, compile_glob(service.path), credential_keys(service), rules)


def ambiguous_path() -> VaultError:
    """Another spelling of the path would be decided differently."""
    return VaultError(
        "bad_request",
        "path can be read in two ways that policy decides differently; "
        "send it without needless escapes, encoded slashes or empty segments",
    )


def _best(tables: list[PathTable], path: str) -> Entry | None:
    for table in tables:
        entry = table.find(path)
        if entry is not None:
            return entry
    return None


def _covers_host(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return host == pattern


def _preference(entry: Entry) -> tuple[bool, bool, int, int]:
    service = entry.service
    return (service.host.startswith("*."), not service.port, -len(entry.glob.literal), entry.order)


def _reason(entry: Entry, winner: Entry | None, port: int, path: str) -> str:
    service = entry.service
    if service.port not in (0, port):
        return f"covers port {service.port} only, not {port}"
    if not entry.glob.matches(path):
        return f"its path {service.path} does not cover {path}"
    if winner is None or entry is winner:
        state = "" if service.enabled else ", but it is disabled"
        return f"most specific service for this request{state}"
    return f"{winner.service.name} comes first: {_advantage(winner, entry)}"


def _advantage(winner: Entry, loser: Entry) -> str:
    best, other = _preference(winner), _preference(loser)
    if best[0] != other[0]:
        return "an exact host goes before a wildcard"
    if best[1] != other[1]:
        return "a service with a port goes before one without"
    if best[2] != other[2]:
        return "its path begins with a longer literal part"
    return "it is declared earlier"
