"""Sources of vaults, where several workers poll them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlmodel import Session

from proxy_core.store import sources
from proxy_core.store.database import Database
from proxy_core.store.tables import VaultSource
from tests.store.conftest import NOW

_WORKERS = 3
_POLLS = tuple(NOW + 600 * number for number in range(8))


def test_one_worker_takes_a_poll(database: Database, location: str) -> None:
    """Though all of them look at the same moment."""
    row = VaultSource(
        vault_id="v1",
        kind="hashicorp",
        shown="here",
        interval=60,
        sealed=b"sealed",
        created_at=NOW,
        next_poll_at=NOW,
    )
    database.run_sync(lambda session: sources.set_source(session, row))
    others = [database, *(Database.open(location) for _ in range(_WORKERS - 1))]
    barrier = Barrier(_WORKERS)

    def take(one: Database, now: float) -> bool:
        def work(session: Session) -> bool:
            return sources.claim(session, "v1", now, now + 600) is not None

        barrier.wait()
        return one.run_sync(work)

    try:
        with ThreadPoolExecutor(_WORKERS) as pool:
            for now in _POLLS:
                taken = pool.map(take, others, [now] * _WORKERS)
                assert sorted(taken) == [False, False, True]
    finally:
        for one in others[1:]:
            one.close()
