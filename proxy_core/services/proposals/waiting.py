"""Which proposals wait for an operator, remembered: the status is asked for every few seconds.

And how an agent waits for one of them.
"""

from contextlib import aclosing

from sqlmodel import Session

from proxy_core.domain.events import EventType
from proxy_core.services.context import Context, Swap
from proxy_core.services.events import EventBus, Follow
from proxy_core.store import proposals as store
from proxy_core.store.tables import ProposalRow

_ENDS = frozenset(
    (
        EventType.PROPOSAL_APPLIED.value,
        EventType.PROPOSAL_REJECTED.value,
        EventType.PROPOSAL_EXPIRED.value,
        EventType.VAULT_DELETED.value,
    )
)


class Waiting:
    """Vault and end of each, by id. In the loop alone."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ends: dict[str, tuple[str, float]] = {}
        self._noted = 0

    @property
    def count(self) -> int:
        """Those whose time is not over, in all vaults."""
        now = self._context.clock.time()
        return sum(expires_at > now for _, expires_at in self._ends.values())

    def due(self) -> list[str]:
        """Those whose time is over."""
        now = self._context.clock.time()
        return [name for name, (_, expires_at) in self._ends.items() if expires_at <= now]

    def add(self, row: ProposalRow) -> None:
        """One more waits."""
        self._noted += 1
        self._ends[row.id] = (row.vault_id, row.expires_at)

    def remove(self, row: ProposalRow) -> None:
        """It waits no more."""
        self._noted += 1
        self._ends.pop(row.id, None)

    def forget_vault(self, vault_id: str) -> None:
        """A vault was deleted, and its proposals with it."""
        self._noted += 1
        self._ends = {
            name: waiting for name, waiting in self._ends.items() if waiting[0] != vault_id
        }

    async def load(self) -> None:
        """Read them. Raises VaultError: database_unavailable."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read them; what is answered puts it in force, but not over later news."""
        noted = self._noted
        stored = {
            row.id: (row.vault_id, row.expires_at) for row in store.pending_proposals(session)
        }

        def swap() -> None:
            if noted == self._noted:
                self._ends = stored

        return swap


async def until_ended(bus: EventBus, proposal_id: str, vault: str, after: int) -> None:
    """Wait until a proposal is decided, or gone with its vault; `after` is an event's number."""
    async with aclosing(bus.follow(Follow(after, _ENDS))) as batches:  # type: ignore[type-var]  # an async generator
        async for batch in batches:
            for event in batch.events:
                if event.data.get("proposal") == proposal_id:
                    return
                if event.type == EventType.VAULT_DELETED and event.data["vault"] == vault:
                    return
            if batch.lost:
                return
