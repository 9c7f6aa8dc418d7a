"""Operator sessions: a terminal's, and tokens for scripts. In memory only, gone when sealed."""

from dataclasses import dataclass

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal's session: its leader's pid and start time (so that a reused pid differs)."""

    uid: int
    session_id: int
    started: int


class Operators:
    """Sliding: every use prolongs a session by `unlock_minutes`."""

    async def unlock(
        self, proof: wire.KeyProof, terminal: Terminal | None, by: Principal
    ) -> wire.OperatorSession:
        """Prove a slot. Without a terminal only the token is made.

        Raises VaultError: wrong_key, sealed, rate_limited (many wrong proofs).
        """
        raise NotImplementedError

    async def lock(self, terminal: Terminal | None, token: str | None, by: Principal) -> None:
        """End the terminal's session, and the token's."""
        raise NotImplementedError

    def open(self, terminal: Terminal | None, name: str) -> wire.OperatorSession:
        """A session without a proof: for who has just set up or unsealed the vault."""
        raise NotImplementedError

    def is_unlocked(self, terminal: Terminal) -> bool:
        """Whether the terminal holds a session; prolongs it."""
        raise NotImplementedError

    def of_token(self, token: str) -> Principal | None:
        """The operator of a `vt_user_` token; prolongs it."""
        raise NotImplementedError
