"""Locks among workers, and what becomes of them when their worker does not release them."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.store.database import Database
from proxy_core.store.logins import login
from proxy_core.store.refresh_locks import (
    LEASE_SECONDS,
    AdvisoryLocks,
    RefreshLocks,
    owner_lives,
    refresh_locks,
)
from tests.store.conftest import NOW
from tests.store.test_logins import add_login, read

DEAD = subprocess.run(
    [
        sys.executable,
        "-c",
        "from proxy_core.base.processes import own_mark; print(own_mark(), end='#x')",
    ],
    capture_output=True,
    text=True,
    check=True,
).stdout
"""The owner that a process, ended since, would have written."""


@pytest.fixture
def clock() -> FakeClock:
    """A clock that moves when told."""
    return FakeClock(NOW)


@pytest.fixture
async def two(database: Database, clock: FakeClock) -> AsyncIterator[list[RefreshLocks]]:
    """Two workers' locks on a database with the logins `l1` and `l2`."""
    add_login(database, "l1")
    add_login(database, "l2")
    locks = [refresh_locks(database, clock) for _ in range(2)]
    yield locks
    for one in locks:
        await one.close()


async def hold(locks: RefreshLocks, login_id: str = "l1") -> None:
    """Take the lock and give it back."""
    async with locks.hold(login_id):
        pass


async def test_one_worker_at_a_time(two: list[RefreshLocks]) -> None:
    """The other one gets it as soon as it is released; another login's is free all the time."""
    first, second = two
    order: list[str] = []

    async def wait() -> None:
        async with second.hold("l1"):
            order.append("second")

    async with first.hold("l1"):
        waiting = asyncio.create_task(wait())
        await hold(second, "l2")
        order.append("first")
    await waiting
    assert order == ["first", "second"]
    assert first.owner != second.owner


async def test_a_lock_is_released_when_its_holder_fails(two: list[RefreshLocks]) -> None:
    """An exception passes, and the next one has the login."""
    first, second = two
    with pytest.raises(RuntimeError, match="within"):
        async with first.hold("l1"):
            raise RuntimeError("within")
    await hold(second)


async def test_many_tasks_of_two_workers_never_meet(two: list[RefreshLocks]) -> None:
    """Whatever they do between taking and releasing, they do alone."""
    inside = most = 0

    async def work(locks: RefreshLocks) -> None:
        nonlocal inside, most
        for _ in range(4):
            async with locks.hold("l1"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

    await asyncio.gather(*map(work, two))
    assert most == 1


async def test_an_unknown_login_has_no_lease(sqlite_database: Database, clock: FakeClock) -> None:
    """It was deleted meanwhile."""
    with pytest.raises(VaultError) as raised:
        await hold(refresh_locks(sqlite_database, clock), "gone")
    assert raised.value.code == "not_found"


async def test_a_dead_owners_lease_is_void_at_once(
    sqlite_database: Database, clock: FakeClock
) -> None:
    """Its process has ended: nobody waits for its time to run out."""
    assert owner_lives(DEAD) is False
    add_login(sqlite_database, lease_owner=DEAD, lease_until=NOW + LEASE_SECONDS)
    async with asyncio.timeout(30):
        await hold(refresh_locks(sqlite_database, clock))
    assert read(sqlite_database).lease_until is None


@pytest.mark.parametrize("until", [NOW, NOW + 365 * 86_400])
async def test_a_lease_of_somewhere_else_ends_with_its_time(
    sqlite_database: Database, clock: FakeClock, until: float
) -> None:
    """A process of another container can't be seen; a clock put back makes no lease last."""
    add_login(sqlite_database, lease_owner="elsewhere/1/2#x", lease_until=until)
    await hold(refresh_locks(sqlite_database, clock))


async def test_a_lease_of_somewhere_else_is_kept_to(
    sqlite_database: Database, clock: FakeClock
) -> None:
    """As long as it says."""
    add_login(sqlite_database, lease_owner="elsewhere/1/2#x", lease_until=NOW + 10)
    waiting = asyncio.create_task(hold(refresh_locks(sqlite_database, clock)))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    clock.advance(10)
    await waiting


async def test_a_living_owners_lease_holds_whatever_the_clock_says(
    sqlite_database: Database, clock: FakeClock
) -> None:
    """A clock that jumps a year ahead gives nobody another one's lease."""
    add_login(sqlite_database)
    first, second = [refresh_locks(sqlite_database, clock) for _ in range(2)]
    async with first.hold("l1"):
        clock.step(365 * 86_400)
        waiting = asyncio.create_task(hold(second))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
    await waiting


async def test_a_lock_ends_with_its_connection(postgres_url: str) -> None:
    """The server releases what a lost connection held; the worker connects anew."""
    database = Database.open(postgres_url)
    first, second = AdvisoryLocks(database), AdvisoryLocks(database)
    try:
        async with first.hold("l1"):
            await database.run(
                lambda session: session.connection().exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                )
            )
            await hold(second)
        await hold(first)
    finally:
        await first.close()
        await second.close()
        database.close()


async def test_the_lease_says_who_holds_it(sqlite_database: Database, clock: FakeClock) -> None:
    """Owner and end stand in the row, for others to judge."""
    add_login(sqlite_database)
    locks = refresh_locks(sqlite_database, clock)
    async with locks.hold("l1"):
        row = await sqlite_database.read(lambda session: login(session, "l1"))
        assert (row.lease_owner, row.lease_until) == (locks.owner, NOW + LEASE_SECONDS)
        assert owner_lives(row.lease_owner) is True
