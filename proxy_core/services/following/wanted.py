"""What is to be read again."""

from collections.abc import Iterable
from dataclasses import dataclass

from proxy_core.store.touched import EVERYTHING, Scope, Touched, summary


@dataclass(frozen=True, slots=True)
class Wanted:
    """What other workers have touched."""

    touched: frozenset[Touched]

    @classmethod
    def of(cls, touched: Iterable[Touched]) -> "Wanted":
        """In few words."""
        return cls(summary(touched))

    @property
    def everything(self) -> bool:
        """Whether nothing that is known can be trusted."""
        return EVERYTHING in self.touched

    def has(self, scope: Scope) -> bool:
        """Whether what there is one of is to be read."""
        return self.everything or any(one.scope is scope for one in self.touched)

    def ids(self, *scopes: Scope) -> frozenset[str]:
        """The ids that stand with these scopes; look at `everything` first."""
        return frozenset(one.id for one in self.touched if one.scope in scopes)
