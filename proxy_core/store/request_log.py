"""The request log: the data path appends, one thread writes, nobody waits."""

from dataclasses import dataclass
from typing import Final

from proxy_core.domain.traffic import RequestRecord
from proxy_core.store.database import Database

CAPACITY: Final = 2_000
FLUSH_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept: by age in seconds and by number of rows, whichever is less."""

    max_age_seconds: float = 30 * 86_400
    max_rows: int = 1_000_000


class RequestLog:
    """A bounded sink. `dropped` counts what found it full; `problem` is a sentence or None."""

    def __init__(
        self,
        database: Database,
        retention: Retention = Retention(),
        capacity: int = CAPACITY,
    ) -> None:
        self.retention = retention
        self.dropped = 0
        self.problem: str | None = None

    def start(self) -> None:
        """Start the writer thread."""

    def append(self, record: RequestRecord) -> None:
        """Take a record. Never blocks, never raises: what does not fit is dropped and counted."""

    async def flush(self) -> None:
        """Wait until what was appended before is stored or known to have failed."""

    async def stop(self) -> None:
        """Write what is left and end the thread."""

    def rename_vault(self, old: str, new: str) -> None:
        """Have the writer carry a vault's records over to its new name, in the background."""

    def forget_vault(self, vault: str) -> None:
        """Have the writer delete a vault's records, in the background."""
