"""Workers that die amid an approval: `crashing DATABASE STRIDE`, which holds one proposal.

One after the other, each in a process of its own, looks whether the proposal waits and the vault is
as it was, approves it, and dies: at the first statement of the transaction, STRIDE statements
later, and so on, then at the commit, and in the end when it is committed and before anybody is
told. What is printed is the moment of each death.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from proxy_core.domain import wire
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import operator
from tests.services.proposals.conftest import services_of, status_of, values_of

VALUE = "of the operator"
STATEMENT, COMMIT, TOLD = "statement", "commit", "told"

Effects = tuple[list[str], dict[str, str | None]]
BEFORE: Effects = (["old"], {"OLD": "old"})
AFTER: Effects = (["new"], {"GIVEN": VALUE, "KNOWN": "of the agent"})


async def effects_of(app: Application) -> Effects:
    """The vault's services and credentials."""
    return sorted(await services_of(app)), await values_of(app)


async def approve(app: Application) -> None:
    """Approve the proposal."""
    request = wire.ApproveProposal(credentials={"GIVEN": VALUE})
    await app.deciding.approve(1, request, operator("ada"))


def die_when(app: Application, reached: Callable[[str], bool], saying: int) -> None:
    """Die at the moment for which `reached` is true, and write its name to `saying` before that."""

    def moment(name: str) -> Callable[..., None]:
        def pass_by(*_: Any, **__: Any) -> None:
            if reached(name):
                os.write(saying, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)  # nothing more is done, by no finally either

        return pass_by

    engine = app._context.database.engines.write
    event.listen(engine, "before_cursor_execute", moment(STATEMENT))
    event.listen(engine, "commit", moment(COMMIT))
    app._context.publish = moment(TOLD)  # type: ignore[method-assign]  # behind the commit


async def live(database: str, reached: Callable[[str], bool], saying: int) -> None:
    """A worker's short life."""
    app = await Application.open(ApplicationConfig(database))
    assert await app.keys.unseal_automatically() == "keyfile"
    assert (await status_of(app, 1), await effects_of(app)) == ("pending", BEFORE)
    die_when(app, reached, saying)
    await approve(app)


def death(database: str, reached: Callable[[str], bool]) -> str:
    """Let a worker die; at which moment it did."""
    hearing, saying = os.pipe()
    child = os.fork()
    if child == 0:
        asyncio.run(live(database, reached, saying))
        os._exit(0)
    os.close(saying)
    with os.fdopen(hearing) as said:
        name = said.read()
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    return name


def at(place: int) -> Callable[[str], bool]:
    """Says when a statement's turn has come, the first being 1, or the commit's before that."""
    left = iter(range(place - 1))
    return lambda name: name == COMMIT or (name == STATEMENT and next(left, None) is None)


def main(database: str, stride: int) -> None:
    """Let one after the other die."""
    place, name = 1, ""
    while name != COMMIT:
        name = death(database, at(place))
        print(name, place)
        place += stride
    print(death(database, lambda moment: moment == TOLD), place)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
