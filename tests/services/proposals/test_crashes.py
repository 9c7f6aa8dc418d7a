"""Workers that are killed amid an approval: all of it has happened, or nothing."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import operator
from tests.schemas import copy_newest
from tests.services.conftest import ADA
from tests.services.proposals.conftest import an_agent, propose, slot, status_of
from tests.services.proposals.crashing import AFTER, COMMIT, STATEMENT, TOLD, approve, effects_of

STRIDE = 20
"""Of the some fifty statements of an approval every so many is died at: each costs a process."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the workers' database is."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(copy_newest(tmp_path / "vault.db"))


def service(name: str, *keys: str) -> dict[str, Any]:
    """A service that sends these credentials."""
    headers = {f"X-{key.title()}": f"{{{{ {key} }}}}" for key in keys}
    auth = {"type": "custom", "headers": headers}
    return {"name": name, "host": f"{name}.example.com", "auth": auth}


async def raise_proposal(app: Application) -> None:
    """It adds a service with two credentials, of which one's value is the agent's, and deletes a
    service and its credential.
    """
    await app.credentials.set(wire.SetCredentials(credentials={"OLD": "old"}), ADA)
    old = wire.ServicesRequest(services=[service("old", "OLD")])
    await app.services.upsert("default", old, ADA)
    changes = [service("new", "GIVEN", "KNOWN"), {"action": "delete", "name": "old"}]
    slots = [slot("GIVEN"), slot("KNOWN", value="of the agent"), slot("OLD", action="delete")]
    assert await propose(app, await an_agent(app), *changes, credentials=slots) == 1


async def crash(database: str) -> list[str]:
    """Let workers die; at which moments they did."""
    program = [sys.executable, "-m", "tests.services.proposals.crashing", database, str(STRIDE)]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return [line.split()[0] for line in printed.decode().splitlines()]


async def test_an_approval_is_whole_wherever_its_worker_dies(database: str, tmp_path: Path) -> None:
    """At a statement or at the commit: each next worker finds the proposal waiting and nothing
    changed. Before anybody was told: it is applied, all of it, and decided once for all.
    """
    app = await Application.open(ApplicationConfig(database))
    start = wire.InitRequest(slot="keyfile", path=str(tmp_path / "the.key"))
    await app.keys.initialise(start, operator("setup"))
    await raise_proposal(app)
    await app.close()
    moments = await crash(database)
    assert moments == [STATEMENT] * (len(moments) - 2) + [COMMIT, TOLD]
    assert len(moments) > 4
    app = await Application.open(ApplicationConfig(database))
    try:
        assert await app.keys.unseal_automatically() == "keyfile"
        assert (await status_of(app, 1), await effects_of(app)) == ("applied", AFTER)
        with pytest.raises(VaultError) as caught:
            await app.deciding.reject(1, wire.RejectProposal(), ADA)
        assert caught.value.code == "conflict"
        assert caught.value.extra["reviewed_by"] == "operator ada"
        await approve(app)
        assert await effects_of(app) == AFTER
        assert (await app.auditing.verify()).ok
    finally:
        await app.close()
