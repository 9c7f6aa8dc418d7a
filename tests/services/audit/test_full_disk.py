"""A disk without room: the vault opens and the proxy serves; the audit is owed what it missed."""

import pytest
from sqlmodel import Session

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed
from proxy_core.services.application import Application
from tests.services.audit.rig import entries, told
from tests.services.conftest import ADA, Opener, put_credentials, put_service


def set_room(app: Application, pages: int) -> None:
    """Let the database have so many pages; 0: as many as it has."""

    def work(session: Session) -> None:
        connection = session.connection()
        wanted = pages or connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={wanted}")

    app._context.database.run_sync(work)


async def fill(app: Application) -> None:
    """Write entries until there is room for none."""

    async def record_on_and_on() -> None:
        for _ in range(10_000):
            await app._context.audit.record(Deed("filling"))

    set_room(app, 0)
    with pytest.raises(VaultError, match="full"):
        await record_on_and_on()


@pytest.fixture
async def full(app: Application, reopen: Opener) -> Application:
    """A vault with a service, after a restart, whose disk is full."""
    await put_credentials(app, TOKEN="s3cret-value")
    await put_service(app, "api", "api.example.com", "TOKEN")
    app = await reopen()
    await fill(app)
    return app


async def test_the_vault_opens_and_the_entry_is_written_later(
    full: Application, clock: FakeClock
) -> None:
    """It says when it happened, and by whom; meanwhile the status says what is wrong."""
    assert await full.keys.unseal_automatically() == "keyfile"
    assert not full.keys.sealed
    (problem,) = full.auditing.problems()
    assert "1 entry waits" in problem
    assert problem in full.problems()
    with pytest.raises(VaultError, match="full"):
        await full.auditing.tick()
    clock.advance(60)
    set_room(full, 1_000_000)
    await full.auditing.tick()
    assert full.auditing.problems() == []
    assert (await told(full))[-1] == ("vault.unsealed", "keyfile")
    assert (await entries(full))[-1].at.startswith("2025-06-15T15:06:40")
    assert (await full.auditing.verify()).ok


async def test_nothing_is_revealed_that_can_not_be_told(full: Application) -> None:
    """And a session of an operator is not opened by proving a slot."""
    await full.keys.unseal_automatically()
    with pytest.raises(VaultError) as caught:
        await full.credentials.reveal("default", ADA)
    assert caught.value.code == "database_unavailable"


async def test_a_sealing_is_owed_as_well(full: Application) -> None:
    """In the order in which it came; reading the audit works all the while."""
    await full.keys.unseal_automatically()
    await full.keys.seal(ADA)
    before = await told(full)
    assert "vault.unsealed" not in dict(before[-2:])
    set_room(full, 1_000_000)
    names = [action for action, _ in await told(full)]
    assert names[-2:] == ["vault.unsealed", "vault.sealed"]
    found = await full.auditing.verify()
    assert found.ok
