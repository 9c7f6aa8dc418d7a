"""What the console knows of its worker: one value that screens read and never own."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from proxy_core.domain import wire
from proxy_core.domain.events import Event

SLOW_ROUND_TRIP_MS = 150.0
EVENTS_KEPT = 1_000


class Link(StrEnum):
    """The connection to the worker."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class Level(StrEnum):
    """How much a notice matters."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """The status line's sentence. `at` is epoch seconds; `text` is safe to show."""

    level: Level
    text: str
    at: float


@dataclass(slots=True)
class ConsoleState:
    """Everything the header, the status line and the actions' availability are made of."""

    read_only: bool = False
    where: str = ""
    """The worker's machine, as the operator would name it."""
    link: Link = Link.CONNECTING
    round_trip_ms: float = -1.0
    status: wire.Status | None = None
    vault: str = "default"
    vaults: list[wire.Vault] = field(default_factory=list)
    source: wire.SourceInfo | None = None
    """The external store that backs the vault, for who may see it."""
    credentials: list[wire.CredentialInfo] | None = None
    services: list[dict[str, object]] | None = None
    proposals: list[wire.InboxProposal] | None = None
    holds: list[wire.Hold] | None = None
    """Of every vault."""
    devices: list[wire.DeviceRequest] = field(default_factory=list)
    """That ask to sign in at the gateway: they wait where the held requests do."""
    accounts: list[wire.AccountInfo] | None = None
    pools: list[wire.PoolInfo] = field(default_factory=list)
    agents: list[wire.AgentInfo] | None = None
    """Of every vault, where whoever looks may see them."""
    sessions: list[wire.SessionInfo] = field(default_factory=list)
    """Scoped ones of the vault."""
    choices: list[wire.PoolChoices] = field(default_factory=list)
    """By pool: what it would choose, and what it chose lately."""
    slots: list[wire.SlotInfo] | None = None
    """Read, as the two after it, once somebody looks at them."""
    settings: list[wire.Setting] | None = None
    ca_pem: str = ""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    """What happened, without requests: the newest last."""
    notice: Notice | None = None
    slow: bool | None = None
    """Slow-link mode: on, off, or decided by the round trip (None)."""

    @property
    def sealed(self) -> bool:
        """Whether the worker is known to be sealed or not set up."""
        return self.status is not None and (self.status.sealed or not self.status.initialized)

    @property
    def store(self) -> str:
        """The kind of the external store that backs the vault; or empty."""
        return next((one.source for one in self.vaults if one.name == self.vault), "")

    @property
    def slow_link(self) -> bool:
        """Whether to draw less often."""
        return self.round_trip_ms > SLOW_ROUND_TRIP_MS if self.slow is None else self.slow

    @property
    def flush_seconds(self) -> float:
        """Time between two repaints of the traffic."""
        return 0.25 if self.slow_link else 0.1
