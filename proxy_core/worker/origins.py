"""Who and where a request of the API comes from, for the audit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed, Origin
from proxy_core.services.audit.refusals import Refusals
from proxy_core.worker.access import Caller
from proxy_core.worker.peers import Peer

_REFUSED: Final = frozenset(
    {
        "agent_process",
        "role_forbidden",
        "service_not_granted",
        "vault_forbidden",
    }
)
"""What one may not do: neither what is wrong with a request, nor what asks for a proof first."""


def stranger(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> Origin:
    """Where a request comes from, before it is known who sends it."""
    peer: Peer | None = connection.scope.get("vault_tui.peer")  # type: ignore[assignment]  # ours
    template = connection.scope.get("path_template") or min(handler.paths, default="")
    route = f"{connection.scope.get('method', '')} {template}"
    if peer is not None:
        return Origin("nobody", peer.name, source=_process(peer), route=route)
    address = connection.client.host if connection.client else ""
    return Origin("nobody", source={"address": address}, route=route)


def origin_of(place: Origin, caller: Caller) -> Origin:
    """As `place`, by the caller."""
    principal = caller.principal
    if principal is None:
        return place
    kind, name = principal.kind.value, principal.name
    by_jwt = {"issuer": principal.issuer} if principal.issuer else {}
    return Origin(kind, name, principal.id, {**place.source, **by_jwt}, place.route)


def note_refusal(refusals: Refusals, error: VaultError, had_token: bool) -> None:
    """Keep in mind that who acts was refused; `had_token`: a wrong one is a refusal too."""
    if error.code in _REFUSED or (error.code == "unauthorized" and had_token):
        refusals.note(Deed("access.refused", after={"why": error.code}))


def _process(peer: Peer) -> Mapping[str, Any]:
    found: dict[str, Any] = {"uid": peer.uid, "pid": peer.pid}
    terminal = _terminal(peer.pid)
    return {**found, "tty": terminal} if terminal else found


def _terminal(pid: int) -> str:
    """The terminal that the process reads from, such as pts/3; empty without one to be seen."""
    try:
        path = str(Path(f"/proc/{pid}/fd/0").readlink())
    except OSError:
        return ""
    return path.removeprefix("/dev/") if path.startswith(("/dev/pts/", "/dev/tty")) else ""
