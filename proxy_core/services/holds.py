"""Requests that wait for an operator: a bounded queue in memory.

    wait      the data path's side: returns when allowed, raises when denied or nobody answered
    claim     an operator's side, first: one answer for a request, whoever is quicker
    resolve   and then: the request is gone from every console at once, and goes on or is refused

A held request lives as long as its client's connection and this worker; consoles come and go.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec import structs

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.approval import Scope, readable_url, scope_of
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import Access, Ask, RequestFacts
from proxy_core.services.context import Context

_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """`seconds` until nobody has answered; requests held in all, and of one token."""

    seconds: float = 120.0
    total: int = 200
    per_token: int = 20


@dataclass(slots=True, eq=False)
class Held:
    """One request that waits. `answer`: by whom it was allowed, or why it is refused."""

    access: Access
    vault_id: str
    facts: RequestFacts
    ask: Ask
    preview: str
    created_at: float
    expires_at: float
    answer: "asyncio.Future[str | VaultError]"
    id: str = field(default_factory=new_id)
    claimed: bool = False

    @property
    def scope(self) -> Scope:
        """What an approval of it covers."""
        return scope_of(self.facts, self.ask)


class Holds:
    """`limits` answers the settings in force."""

    def __init__(self, context: Context, limits: Callable[[], HoldLimits]) -> None:
        self._context = context
        self._limits = limits
        self._held: dict[str, Held] = {}
        self._closed: VaultError | None = None

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    async def wait(
        self, access: Access, vault_id: str, facts: RequestFacts, ask: Ask, preview: str
    ) -> str:
        """Hold a request; answers who allowed it. Cancelled: the client has left.

        Raises VaultError: approval_denied, approval_timeout, overloaded (too many wait), and what
        `end_all` says.
        """
        limits = self._limits()
        self._check_room(access, limits)
        now = self._context.clock.time()
        answer: asyncio.Future[str | VaultError] = asyncio.get_running_loop().create_future()
        ends_at = now + limits.seconds
        held = Held(access, vault_id, facts, ask, preview, now, ends_at, answer)
        self._held[held.id] = held
        self._context.stir()
        # Events are kept for long, and the body only as long as its request.
        shown = structs.replace(self.described(held), body_preview="")
        self._context.bus.publish(EventType.REQUEST_HELD.value, shown)
        try:
            said = await self._answer(held, limits.seconds)
        finally:
            self._remove(held, "cancelled", held.access.actor_name)
        if isinstance(said, VaultError):
            raise said
        return said

    def get(self, hold_id: str) -> Held:
        """Raises VaultError: not_found, also when it was decided already."""
        held = self._held.get(hold_id)
        if held is None:
            raise VaultError("not_found", "No request with this id waits (any more).")
        return held

    @contextmanager
    def claim(self, hold_id: str) -> Iterator[Held]:
        """The held request, for one answer at a time.

        Raises VaultError: not_found; conflict when another operator's answer is being stored.
        """
        held = self.get(hold_id)
        if held.claimed:
            raise VaultError("conflict", "Another operator is deciding this request.")
        held.claimed = True
        try:
            yield held
        finally:
            held.claimed = False

    def resolve(self, held: Held, said: str | VaultError, outcome: str, by: str) -> bool:
        """Answer a held request; False when it has ended meanwhile."""
        if not self._remove(held, outcome, by):
            return False
        if not held.answer.done():
            held.answer.set_result(said)
        return True

    def end_all(self, code: str, *, closing: bool = False) -> None:
        """Refuse everything that waits; with `closing`, what comes later too."""
        error = VaultError(code)
        if closing:
            self._closed = error
        for held in self:
            self.resolve(held, error, "cancelled", "worker")

    def list(self) -> wire.HoldList:
        """All that wait, oldest first."""
        return wire.HoldList(holds=[self.described(held) for held in self])

    def described(self, held: Held) -> wire.Hold:
        """As the API and events show it."""
        decision = held.ask.decision
        vault = self._context.snapshot.by_id.get(held.vault_id)
        return wire.Hold(
            id=held.id,
            vault=vault.name if vault else decision.vault,
            agent=held.access.actor_name,
            actor_type=held.access.actor_type.value,
            service=held.ask.service_name,
            rule=held.ask.rule + 1,
            reason=held.ask.reason,
            method=held.facts.method,
            url=readable_url(held.facts, held.scope),
            body_preview=held.preview,
            credential_keys=list(decision.credential_keys),
            created_at=rfc3339(held.created_at),
            expires_at=rfc3339(held.expires_at),
            seconds_left=max(0, round(held.expires_at - self._context.clock.time())),
        )

    def _check_room(self, access: Access, limits: HoldLimits) -> None:
        if self._closed is not None:
            raise self._closed
        own = sum(held.access.token_sha256 == access.token_sha256 for held in self)
        if len(self) >= limits.total or own >= limits.per_token:
            whose = "of this agent" if own >= limits.per_token else "in all"
            raise VaultError(
                "overloaded",
                f"too many requests {whose} wait for an operator already",
                retry_after=_RETRY_SECONDS,
            )

    async def _answer(self, held: Held, seconds: float) -> str | VaultError:
        try:
            async with asyncio.timeout(seconds):
                # Shielded: time running out must not cancel what may be answered in this very turn.
                return await asyncio.shield(held.answer)
        except TimeoutError:
            if not self._remove(held, "timeout", "worker"):
                return held.answer.result()  # answered at the last moment
            return VaultError(
                "approval_timeout", f"{held.ask.reason}; nobody answered in {seconds:g} seconds"
            )

    def _remove(self, held: Held, outcome: str, by: str) -> bool:
        if self._held.pop(held.id, None) is None:
            return False
        vault = self._context.snapshot.by_id.get(held.vault_id)
        data = {"id": held.id, "vault": vault.name if vault else "", "name": held.access.actor_name}
        self._context.bus.publish(
            EventType.HOLD_RESOLVED.value, {**data, "outcome": outcome, "by": by}
        )
        return True
