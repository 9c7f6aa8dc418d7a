"""Operator sessions: a terminal's, as sudo has them, and `vt_user_` tokens for scripts.

They slide: each use of what only an operator may do prolongs one; reading what the socket shows
to anyone does not, so a console that is left open falls back to locked. They are in memory only: a
worker that restarts or seals has none. A token is kept as its SHA-256.
"""

from collections.abc import Callable
from dataclasses import dataclass

from proxy_core.base.clock import rfc3339
from proxy_core.base.ids import USER_PREFIX, new_token, token_sha256
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.keys import Keys
from proxy_core.services.principal import Principal, operator

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal's session: its leader's pid and start time (so that a reused pid differs)."""

    uid: int
    session_id: int
    started: int


@dataclass(slots=True)
class _Session:
    ends_at: float
    """On the monotonic clock."""
    name: str
    token: bytes
    terminal: Terminal | None


class Operators:
    """`minutes` answers the setting in force."""

    def __init__(self, context: Context, keys: Keys, minutes: Callable[[], float]) -> None:
        self._context = context
        self._keys = keys
        self._minutes = minutes
        self._terminals: dict[Terminal, _Session] = {}
        self._tokens: dict[bytes, _Session] = {}
        keys.on_seal(self.end_all)

    async def unlock(
        self,
        proof: wire.KeyProof,
        terminal: Terminal | None,
        by: Principal,
        *,
        own_user: bool = False,
    ) -> wire.OperatorSession:
        """Prove a slot. Without a terminal, or for one command, only the token is made.

        `own_user`: as `Keys.prove` has it. Raises VaultError: wrong_key, sealed, not_initialized,
        rate_limited (many wrong proofs).
        """
        await self._keys.prove(proof, by, own_user=own_user)
        await self._context.audit.record(Deed("operator.unlocked", proof.slot))
        opened = self.open(None if proof.for_command else terminal, by.name)
        self._context.publish(EventType.OPERATOR_UNLOCKED, by, slot=proof.slot)
        return opened

    def open(self, terminal: Terminal | None, name: str) -> wire.OperatorSession:
        """A session without a proof: for who has this moment set up or unsealed the vault."""
        self._sweep()
        token = new_token(USER_PREFIX)
        session = _Session(self._end(), name, token_sha256(token), terminal)
        self._tokens[session.token] = session
        if terminal is not None:
            self._terminals[terminal] = session
        self._context.stir()
        ends_at = self._context.clock.time() + self._minutes() * _MINUTE
        return wire.OperatorSession(
            token=token, expires_at=rfc3339(ends_at), terminal=terminal is not None
        )

    async def lock(self, terminal: Terminal | None, token: str | None = None) -> None:
        """End every session that the terminal opened, and the token's."""
        named = self._tokens.get(token_sha256(token)) if token else None
        ended = [
            session
            for session in self._tokens.values()
            if session is named or (terminal is not None and session.terminal == terminal)
        ]
        for session in ended:
            self._drop(session)
        if ended:
            await self._context.audit.record_sometime(Deed("operator.locked"))

    def is_unlocked(self, terminal: Terminal) -> bool:
        """Whether the terminal holds a session."""
        return self._holds(self._terminals.get(terminal))

    def of_token(self, token: str) -> Principal | None:
        """The operator of a `vt_user_` token."""
        session = self._tokens.get(token_sha256(token))
        return operator(session.name) if session is not None and self._holds(session) else None

    def prolong(self, terminal: Terminal | None, token: str | None = None) -> None:
        """Note that a session was used: the token's when there is one, else the terminal's."""
        if token is not None:
            session = self._tokens.get(token_sha256(token))
        else:
            session = self._terminals.get(terminal) if terminal is not None else None
        if session is not None and self._holds(session):
            session.ends_at = self._end()
            self._context.stir()

    def end_all(self) -> None:
        """End every session."""
        self._terminals.clear()
        self._tokens.clear()

    def _holds(self, session: _Session | None) -> bool:
        if session is None:
            return False
        if session.ends_at <= self._context.clock.monotonic():
            self._drop(session)
            return False
        return True

    def _end(self) -> float:
        return self._context.clock.monotonic() + self._minutes() * _MINUTE

    def _drop(self, session: _Session) -> None:
        self._tokens.pop(session.token, None)
        if session.terminal is not None and self._terminals.get(session.terminal) is session:
            del self._terminals[session.terminal]

    def _sweep(self) -> None:
        now = self._context.clock.monotonic()
        for session in [held for held in self._tokens.values() if held.ends_at <= now]:
            self._drop(session)
