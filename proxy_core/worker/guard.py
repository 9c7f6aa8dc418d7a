"""What an endpoint asks of its caller, declared beside it and checked before its body is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.audit.acting import act_as
from proxy_core.services.principal import Permission, PrincipalKind
from proxy_core.worker.access import Caller, Gatekeeper
from proxy_core.worker.origins import origin_of, stranger
from proxy_core.worker.peers import Peer

_NEEDS, _SOCKET_ONLY, _ANYONE = "needs", "socket_only", "anyone"


class Problem(msgspec.Struct):
    """A failure: RFC 9457, with the fields older agents read. Some codes add their own."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Needs:
    """A permission, and where the vault it is about is named: `path`, `query`, `body` or `none`.

    With `body` the endpoint itself checks tokens once it has read it; everybody else is checked
    here. With `any` the permission has to be held in some vault: the endpoint asks in which.
    """

    permission: Permission
    vault: str = "none"


def needs(permission: Permission, vault: str = "none") -> dict[str, Any]:
    """The `opt` of an endpoint that needs `permission`."""
    return {_NEEDS: Needs(permission, vault)}


def socket_only() -> dict[str, Any]:
    """The `opt` of an endpoint of the control socket that asks for no permission."""
    return {_SOCKET_ONLY: True}


def anyone() -> dict[str, Any]:
    """The `opt` of an endpoint whose body proves who asks: a token that comes along, perhaps one
    that has expired, is not looked at.
    """
    return {_ANYONE: True}


def fails(*statuses: int) -> Mapping[int, ResponseSpec]:
    """The failures an endpoint documents.

    Each may also end in 400 (repeated fields), 401 (a wrong token, even where none is needed), 429
    (too many of those), 403 (another site's request) or 500.
    """
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description="See the code.",
            media_type="application/problem+json",
        )
        for status in sorted({*statuses, 400, 401, 403, 429, 500})
    }


def change_fails(*statuses: int) -> Mapping[int, ResponseSpec]:
    """As `fails`, of an endpoint that takes a body or changes what is stored."""
    return fails(*statuses, 413, 503)


async def identify(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Litestar's guard: find the caller, and check what the endpoint declares.

    Raises VaultError: unauthorized, rate_limited, agent_process, operator_required,
    vault_forbidden, role_forbidden.
    """
    gatekeeper: Gatekeeper = connection.app.state.gatekeeper
    peer: Peer | None = connection.scope.get("vault_tui.peer")  # type: ignore[assignment]  # ours
    address = connection.client.host if peer is None and connection.client else ""
    has_no_token = bool(handler.opt.get(_ANYONE))
    authorization = None if has_no_token else connection.headers.get("authorization")
    place = stranger(connection, handler)
    act_as(place)
    await gatekeeper.verify(authorization, address)
    caller = gatekeeper.caller(peer, authorization, address)
    caller = replace(caller, knows_vault=connection.app.state.app.vaults.knows)
    connection.state.caller = caller
    act_as(origin_of(place, caller))
    if handler.opt.get(_SOCKET_ONLY):
        caller.on_socket()
    declared = handler.opt.get(_NEEDS)
    if isinstance(declared, Needs):
        _check(connection, caller, declared)


def is_token(caller: Caller) -> bool:
    """Whether an agent, a session or a user asks, whose grants name vaults."""
    principal = caller.known()
    return principal.is_token or principal.kind is PrincipalKind.USER


def default_vault(caller: Caller) -> str:
    """The vault of a request that names none: a session's only one, `default` for all others."""
    principal = caller.known()
    if principal.kind is PrincipalKind.SESSION:
        return next(iter(principal.vaults), DEFAULT_VAULT)
    return DEFAULT_VAULT


def _check(connection: ASGIConnection[Any, Any, Any, Any], caller: Caller, declared: Needs) -> None:
    if declared.vault == "body" and is_token(caller):
        return
    if declared.vault == "any":
        caller.allowed_vaults(declared.permission)
        return
    vault: str | None = None
    if declared.vault == "path":
        vault = connection.path_params["vault"]
    elif declared.vault == "query":
        vault = connection.query_params.get("vault") or default_vault(caller)
    caller.authorize(declared.permission, vault)


def required(value: str | None, name: str) -> str:
    """A query parameter that must be given. Raises VaultError: bad_request."""
    if not value:
        raise VaultError("bad_request", f"The parameter {name} is missing.")
    return value
