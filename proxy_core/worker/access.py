"""Who sends a request: a bearer token's owner, or the process at the control socket."""

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from proxy_core.base.clock import SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.base.processes import read_process
from proxy_core.domain.agent_tokens import carries_jwt
from proxy_core.domain.events import EventType
from proxy_core.services.application import Application
from proxy_core.services.operators import Terminal
from proxy_core.services.principal import (
    Permission,
    Principal,
    PrincipalKind,
    allowed_vaults,
    authorize,
    is_operators_alone,
    operator,
    peer,
)
from proxy_core.worker.peers import Peer, has_run_marker

REFUSAL_SECONDS = 1.0
"""Between two events that tell of refusals."""
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Caller:
    """`peer` None: the request came over TCP. `principal` None: nobody in particular."""

    principal: Principal | None
    token: str | None = field(default=None, repr=False)
    peer: Peer | None = None
    knows_vault: Callable[[str], bool] = field(default=lambda _: True, kw_only=True)
    terminal: Terminal | None = None
    prolong: Callable[[Terminal | None, str | None], None] = lambda *_: None
    """Told when the session of an operator or a user is used."""
    address: str = ""
    """A TCP client's; empty on the control socket."""

    @property
    def is_own_user(self) -> bool:
        """Whether a process of the worker's own user asks."""
        return self.peer is not None and self.peer.uid == os.geteuid()

    def known(self) -> Principal:
        """Raises VaultError: unauthorized for a request without a token over TCP."""
        if self.principal is None:
            raise VaultError("unauthorized")
        return self.principal

    def authorize(self, permission: Permission, vault: str | None = None) -> Principal:
        """Return who asks, when allowed; what changes or reveals prolongs a person's session.

        Raises VaultError: unauthorized, vault_not_found (to a token), and as
        `services.principal.authorize` does.
        """
        principal = self.known()
        if vault is not None and _is_granted(principal) and not self.knows_vault(vault):
            raise VaultError("vault_not_found", f"There is no vault {vault!r}.")
        authorize(principal, permission, vault)
        self._used(principal, permission)
        return principal

    def allowed_vaults(self, permission: Permission) -> frozenset[str] | None:
        """The vaults, by name, in which the caller holds a permission; None: all of them.

        Raises VaultError: as `authorize`, when it is held in none.
        """
        principal = self.known()
        vaults = allowed_vaults(principal, permission)
        self._used(principal, permission)
        return vaults

    def person(self, permission: Permission) -> Principal:
        """A user, for what is the user's own; else who has the permission. As `authorize`."""
        principal = self.known()
        return principal if principal.kind is PrincipalKind.USER else self.authorize(permission)

    def _used(self, principal: Principal, permission: Permission) -> None:
        is_session = principal.kind in (PrincipalKind.OPERATOR, PrincipalKind.USER)
        if is_session and is_operators_alone(permission):
            self.prolong(self.terminal, self.token)

    def on_socket(self) -> Principal:
        """Raises VaultError: role_forbidden for a request over TCP, whatever its token."""
        if self.peer is None:
            self.known()
            raise VaultError("role_forbidden", "This is served on the control socket only.")
        return self.principal or peer(self.peer.name)


def _is_granted(principal: Principal) -> bool:
    """Whether vaults are granted by name: a wrong name is told apart from a missing grant."""
    return principal.kind not in (PrincipalKind.OPERATOR, PrincipalKind.PEER)


class Gatekeeper:
    """Tells callers apart. `group`, when given, may use the control socket beside our own user."""

    def __init__(self, app: Application, group: int | None = None) -> None:
        self._app = app
        self._group = group
        self._told_at = -math.inf

    async def verify(self, authorization: str | None, address: str = "") -> None:
        """Before `caller`: have a JWT vouched for. Returns at once for anything else.

        Raises VaultError: unauthorized, rate_limited (too many bad ones), and what keeps its issuer
        from being asked.
        """
        if authorization is None or not carries_jwt(authorization.encode("latin-1", "replace")):
            return
        try:
            await self._app.identity.verify(_bearer(authorization))
        except VaultError as error:
            if error.code == "unauthorized":
                self._app.auth_failures.failed(address)
            raise

    def caller(
        self, connected: Peer | None, authorization: str | None, address: str = ""
    ) -> Caller:
        """The caller of one request; asked afresh each time, revocation included.

        `address` is a TCP client's. Raises VaultError: unauthorized (bad token), rate_limited (too
        many of them), agent_process, role_forbidden (foreign user).
        """
        if connected is not None:
            self._check_peer(connected)
        if authorization is not None:
            terminal = None if connected is None else terminal_of(connected)
            try:
                token = _bearer(authorization)
                principal = self._app.identity.of_bearer(token)
            except VaultError:
                self._app.auth_failures.failed(address)
                raise
            return Caller(principal, token, connected, terminal, self._prolong, address)
        if connected is None:
            return Caller(None, address=address)
        terminal = terminal_of(connected)
        unlocked = terminal is not None and self._app.operators.is_unlocked(terminal)
        principal = operator(connected.name) if unlocked else peer(connected.name)
        return Caller(principal, None, connected, terminal, self._prolong)

    def _prolong(self, terminal: Terminal | None, token: str | None) -> None:
        self._app.operators.prolong(terminal, token)
        if token is not None:
            self._app.users.sessions.prolong(token)

    def _check_peer(self, connected: Peer) -> None:
        # 0660 and the group already let nobody else in; this holds if someone widens the mode.
        allowed = connected.uid in {0, os.geteuid()} or (
            self._group is not None and self._group in _groups(connected)
        )
        if not allowed:
            raise VaultError("role_forbidden", "The control socket belongs to another user.")
        process = connected.process
        if process is None or not connected.is_alive:
            self._refuse(connected, "The process that connected has ended.")
        elif self._app.runs.contains(connected.pid) or has_run_marker(process):
            self._refuse(connected, "A process started by `run` may not use the control socket.")
        elif not connected.is_alive:  # it ended while we looked, so we looked at nothing
            self._refuse(connected, "The process that connected has ended.")

    def _refuse(self, connected: Peer, why: str) -> None:
        # Not more often: who goes on knocking must not push the traffic off the ring of events.
        now = _CLOCK.monotonic()
        if now - self._told_at >= REFUSAL_SECONDS:
            self._told_at = now
            data = {"pid": connected.pid, "by": connected.name, "reason": why}
            self._app.bus.publish(EventType.OPERATOR_REFUSED, data)
        raise VaultError("agent_process", why)


def terminal_of(connected: Peer) -> Terminal | None:
    """The session of the peer's terminal; None when its leader has ended or cannot be seen.

    Without the leader's start time nothing tells the session from a later one with the same
    number, and number 0 is every session outside this pid namespace: better no terminal than a
    shared one.
    """
    process = connected.process
    if process is None or process.session <= 0:
        return None
    leader = read_process(process.session)
    if leader is None or leader.session != process.session:
        return None
    return Terminal(connected.uid, leader.pid, leader.started)


def _groups(connected: Peer) -> Iterable[int]:
    groups = {connected.gid}
    try:
        with open(f"/proc/{connected.pid}/status", encoding="utf-8") as status:  # noqa: PTH123 - one line of a kernel file
            for line in status:
                if line.startswith("Groups:"):
                    groups.update(int(text) for text in line.split()[1:])
    except OSError:
        pass
    return groups


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise VaultError("unauthorized", "Authorization must be: Bearer TOKEN.")
    return token.strip()
