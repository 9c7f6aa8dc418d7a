"""When credentials, services, agents and sessions were last used, and how requests ended.

All of it is kept in memory: noting is on the hot path and touches dictionaries only. Agents' and
sessions' times are stored now and then (`take_seen`); hits and totals are this worker's own and
start at zero with it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from proxy_core.domain.exchange import ActorType
from proxy_core.domain.traffic import RequestRecord

_AGENT = ActorType.AGENT.value

Place = tuple[str, str]
"""A vault's name, and a credential key or service name in it."""
Outcome = tuple[str, int]
"""A request's `decision`, and its status by the hundred (0: the client left before an answer)."""


@dataclass(slots=True)
class Hits:
    """Requests, and the last one's time in epoch seconds."""

    count: int = 0
    last_at: float = 0.0


@dataclass(slots=True)
class Totals:
    """Sums over requests that ended alike; body bytes, and seconds without those held."""

    count: int = 0
    seconds: float = 0.0
    bytes_up: int = 0
    bytes_down: int = 0

    def add(self, record: RequestRecord) -> None:
        """Take in one more."""
        self.count += 1
        self.seconds += record.latency_ms / 1000
        self.bytes_up += record.bytes_up
        self.bytes_down += record.bytes_down


@dataclass(slots=True)
class Usage:
    """Everything that the finished requests of this worker tell."""

    totals: dict[Outcome, Totals] = field(default_factory=dict)
    credentials: dict[Place, float] = field(default_factory=dict)
    services: dict[Place, Hits] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    """Agents and sessions by id."""
    _fresh_agents: set[str] = field(default_factory=set)
    _fresh_sessions: set[str] = field(default_factory=set)

    def note(self, record: RequestRecord, vault: str) -> None:
        """Take in a finished request; `vault` is the present name of the record's vault."""
        at = record.started_at
        outcome = (record.decision, record.status // 100)
        totals = self.totals.get(outcome)
        if totals is None:
            totals = self.totals[outcome] = Totals()
        totals.add(record)
        # A stream that began early may end late: the latest start counts.
        if actor := record.actor_id:
            if at > self.seen.get(actor, 0.0):
                self.seen[actor] = at
            is_agent = record.actor_type == _AGENT
            (self._fresh_agents if is_agent else self._fresh_sessions).add(actor)
        if not record.matched_service or record.decision == "denied":
            return
        place = (vault, record.matched_service)
        hits = self.services.get(place)
        if hits is None:
            hits = self.services[place] = Hits()
        hits.count += 1
        if at > hits.last_at:
            hits.last_at = at
        if record.decision == "injected":
            for key in record.credential_keys:
                place = (vault, key)
                if at > self.credentials.get(place, 0.0):
                    self.credentials[place] = at

    def take_seen(self) -> tuple[dict[str, float], dict[str, float]]:
        """Agents and sessions seen since the last call, by id; for storing."""
        agents = {name: self.seen[name] for name in self._fresh_agents if name in self.seen}
        sessions = {name: self.seen[name] for name in self._fresh_sessions if name in self.seen}
        self._fresh_agents.clear()
        self._fresh_sessions.clear()
        return agents, sessions

    def put_back(self, agents: Iterable[str], sessions: Iterable[str]) -> None:
        """Take what `take_seen` gave again next time: it could not be stored."""
        self._fresh_agents.update(agents)
        self._fresh_sessions.update(sessions)

    def forget_actor(self, actor_id: str) -> None:
        """Drop a deleted agent or session."""
        self.seen.pop(actor_id, None)

    def keep_services(self, vault: str, names: Collection[str]) -> None:
        """Drop what is known of a vault's services that are no more."""
        for place in [place for place in self.services if place[0] == vault]:
            if place[1] not in names:
                del self.services[place]

    def forget_vault(self, vault: str) -> None:
        """Drop what is known of a deleted vault."""
        for places in (self.credentials, self.services):
            for place in [place for place in places if place[0] == vault]:
                del places[place]

    def rename_vault(self, old: str, new: str) -> None:
        """Carry what is known over to a vault's new name."""
        self.credentials = {_moved(place, old, new): at for place, at in self.credentials.items()}
        self.services = {_moved(place, old, new): hits for place, hits in self.services.items()}


def _moved(place: Place, old: str, new: str) -> Place:
    return (new, place[1]) if place[0] == old else place
