"""What a rule about risks looks at, and what it answers."""

from dataclasses import dataclass
from enum import IntEnum

from proxy_core.domain.proposals.authority import Authority
from proxy_core.domain.proposals.diff import AuthorityDiff
from proxy_core.domain.proposals.proposal import Proposal


class Level(IntEnum):
    """How dangerous."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Risk:
    """`code` is stable; `about` is the service's name or the credential's key."""

    level: Level
    code: str
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Risks, the worst first."""

    risks: tuple[Risk, ...]

    @property
    def level(self) -> Level:
        """The worst one's."""
        return max((risk.level for risk in self.risks), default=Level.LOW)

    @property
    def to_type(self) -> tuple[str, ...]:
        """The names that whoever approves has to type, each once."""
        names = (risk.about for risk in self.risks if risk.level is Level.HIGH)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a rule may look at. `known_hosts`: those of the vault and of the catalog."""

    proposal: Proposal
    before: Authority
    after: Authority
    diff: AuthorityDiff
    known_hosts: frozenset[str]
