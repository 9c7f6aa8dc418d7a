"""Setting up, sealing and unsealing, and operator sessions: on the control socket only."""

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.principal import Permission
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import change_fails, fails, needs, socket_only
from proxy_core.worker.uses import UseApp, UseCaller


@post("/v1/init", status_code=200, opt=socket_only(), responses=change_fails(401, 409))
async def init(app: UseApp, caller: UseCaller, data: JSONBody[wire.InitRequest]) -> wire.Sealed:
    """Set the vault up with its first key slot; the terminal becomes an operator's."""
    answer = await app.keys.initialise(data, caller.on_socket())
    return _with_session(answer, app, caller)


@post("/v1/unseal", status_code=200, opt=socket_only(), responses=change_fails(401, 429))
async def unseal(app: UseApp, caller: UseCaller, data: JSONBody[wire.KeyProof]) -> wire.Sealed:
    """Open the vault with a key slot; a proof by its secret unlocks the terminal too."""
    answer = await app.keys.unseal(data, caller.on_socket(), own_user=caller.is_own_user)
    if data.secret and not data.for_command:
        return _with_session(answer, app, caller)
    return answer


@post("/v1/unlock", status_code=200, opt=socket_only(), responses=change_fails(401, 429))
async def unlock(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.KeyProof]
) -> wire.OperatorSession:
    """Prove a key slot: an operator session for the terminal, and a token for scripts."""
    by = caller.on_socket()
    return await app.operators.unlock(data, caller.terminal, by, own_user=caller.is_own_user)


@post("/v1/lock", status_code=200, opt=socket_only(), responses=change_fails(401))
async def lock(app: UseApp, caller: UseCaller) -> wire.Locked:
    """End the terminal's operator session, and the token's that is sent."""
    await app.operators.lock(caller.terminal, caller.token)
    return wire.Locked()


@post("/v1/seal", status_code=200, opt=needs(Permission.SEAL), responses=change_fails(401))
async def seal(app: UseApp, caller: UseCaller) -> wire.Sealed:
    """Forget the key, and every operator session."""
    return await app.keys.seal(caller.known())


@get("/v1/seal/slots", opt=needs(Permission.READ_SLOTS), responses=fails(401))
async def slots(app: UseApp) -> wire.SlotList:
    """The key slots; never what opens them."""
    return app.key_slots.shown()


@post(
    "/v1/seal/slots",
    status_code=201,
    opt=needs(Permission.CHANGE_SLOTS),
    responses=change_fails(401),
)
async def add_slot(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.InitRequest]
) -> wire.SlotInfo:
    """One more way to open the vault; a key file, a file of this machine, on the socket only."""
    if data.slot == "keyfile":
        caller.on_socket()
    return await app.key_slots.add(data, caller.known())


@post(
    "/v1/seal/slots/{slot_id:str}",
    status_code=200,
    opt=needs(Permission.CHANGE_SLOTS),
    responses=change_fails(404, 409),
)
async def change_slot(
    app: UseApp, caller: UseCaller, slot_id: FromPath[str], data: JSONBody[wire.ChangeSlot]
) -> wire.SlotInfo:
    """Give a password slot another password."""
    return await app.key_slots.change(slot_id, data, caller.known())


@delete(
    "/v1/seal/slots/{slot_id:str}",
    status_code=200,
    opt=needs(Permission.CHANGE_SLOTS),
    responses=change_fails(404, 409),
)
async def remove_slot(
    app: UseApp, caller: UseCaller, slot_id: FromPath[str], force: FromQuery[bool] = False
) -> wire.SlotRemoved:
    """Take a way to open the vault away; `force` also the last one that needs no person."""
    return await app.key_slots.remove(slot_id, caller.known(), force=force)


@post(
    "/v1/seal/rotate",
    status_code=200,
    opt=needs(Permission.CHANGE_SLOTS) | socket_only(),
    responses=change_fails(409, 502),
)
async def rotate(app: UseApp, caller: UseCaller, data: JSONBody[wire.RotateKey]) -> wire.KeyRotated:
    """Make a new key, and seal everything anew; slots are proved, so on the socket alone."""
    return await app.rotation.rotate(data, caller.known())


def _with_session(answer: wire.Sealed, app: Application, caller: Caller) -> wire.Sealed:
    """Unlock the caller's terminal; one that has none is answered the session's token."""
    name = caller.peer.name if caller.peer is not None else ""
    session = app.operators.open(caller.terminal, name)
    return answer if session.terminal else msgspec.structs.replace(answer, session=session)


HANDLERS = (
    init,
    unseal,
    unlock,
    lock,
    seal,
    slots,
    add_slot,
    change_slot,
    remove_slot,
    rotate,
)
