"""Scoped sessions."""

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.base.errors import VaultError
from proxy_core.base.processes import read_process
from proxy_core.domain import wire
from proxy_core.services.principal import Permission, PrincipalKind
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import change_fails, fails, needs, required
from proxy_core.worker.uses import UseApp, UseCaller, UseFacts


@post(
    "/v1/sessions",
    status_code=200,
    opt=needs(Permission.CHANGE_SESSIONS, "body"),
    responses=change_fails(401, 404, 409),
)
async def create_session(
    app: UseApp, caller: UseCaller, facts: UseFacts, data: JSONBody[wire.CreateSession]
) -> wire.SessionCreated:
    """Mint a session with the proxy role in one vault; its token is shown this once."""
    by = caller.authorize(Permission.CHANGE_SESSIONS, required(data.vault, "vault"))
    _check_run(caller, data.run_pid)
    return await app.sessions.create(data, by, facts.base_url)


@get(
    "/v1/sessions",
    opt=needs(Permission.READ_SESSIONS, "query"),
    responses=fails(401, 404, 503),
)
async def list_sessions(app: UseApp, vault: FromQuery[str | None] = None) -> wire.SessionList:
    """The live sessions of a vault."""
    return await app.sessions.list(required(vault, "vault"))


@delete("/v1/sessions/{session_id:str}", status_code=200, responses=change_fails(401, 404))
async def revoke_session(
    app: UseApp, caller: UseCaller, session_id: FromPath[str], vault: FromQuery[str | None] = None
) -> wire.Deleted:
    """Revoke a session; its connections end at once. A session may revoke itself."""
    by, named = caller.known(), required(vault, "vault")
    if not (by.kind is PrincipalKind.SESSION and by.id == session_id and named in by.vaults):
        caller.authorize(Permission.CHANGE_SESSIONS, named)
    return await app.sessions.revoke(named, session_id, by)


def _check_run(caller: Caller, run_pid: int | None) -> None:
    """A caller may give up the socket for itself or its child, but not for another's processes."""
    if run_pid is None:
        return
    found = read_process(run_pid)
    if caller.peer is None or found is None or caller.peer.pid not in {run_pid, found.parent}:
        raise VaultError("bad_request", "run_pid must be the calling process or its child.")


HANDLERS = (create_session, list_sessions, revoke_session)
