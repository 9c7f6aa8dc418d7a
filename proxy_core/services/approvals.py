"""What an operator decides about held requests: for once, for a while, or as a rule for good.

A decision that outlives its request is stored first. Once it is in force, every other held request
that it covers goes the same way, so that nobody is asked twice.
"""

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.approval import Duration, parse_duration
from proxy_core.domain.audit import Deed
from proxy_core.domain.service import Action
from proxy_core.services.audit.trail import Trail
from proxy_core.services.grants import Grant, Grants
from proxy_core.services.holds import Held, Holds
from proxy_core.services.principal import Principal
from proxy_core.services.service_admin import ServiceAdmin


class Approvals:
    """Every method raises VaultError not_found for a request that does not wait (any more)."""

    def __init__(self, holds: Holds, grants: Grants, services: ServiceAdmin, trail: Trail) -> None:
        self.holds = holds
        self.grants = grants
        self._services = services
        self._trail = trail

    def get(self, hold_id: str) -> wire.Hold:
        """One held request."""
        return self.holds.described(self.holds.get(hold_id))

    async def approve(
        self, hold_id: str, request: wire.ApproveHold, by: Principal
    ) -> wire.HoldResolved:
        """Let the request go on. Raises VaultError: bad_request, conflict."""
        duration = parse_duration(request.duration)
        with self.holds.claim(hold_id) as held:
            if duration is Duration.ONCE:
                await self._trail.record(self._once("hold.allowed", held))
                return self._answered(held, int(self._allow(held, duration, by)))
            if duration is Duration.ALWAYS:
                return await self._settle(held, Action.ALLOW, by)
            return await self._grant(held, duration, by)

    async def deny(self, hold_id: str, request: wire.DenyHold, by: Principal) -> wire.HoldResolved:
        """Refuse the request. Raises VaultError: bad_request, conflict."""
        with self.holds.claim(hold_id) as held:
            if request.always:
                return await self._settle(held, Action.DENY, by)
            await self._trail.record(self._once("hold.denied", held))
            return self._answered(held, int(self._refuse(held, by)), "denied")

    async def _grant(self, held: Held, duration: Duration, by: Principal) -> wire.HoldResolved:
        released = 0

        def then(grant: Grant) -> None:
            nonlocal released
            released = sum(
                self._allow(other, duration, by)
                for other in self._like(held)
                if self.grants.covering(other.access, other.vault_id, other.scope) is grant
            )

        grant = await self.grants.create(held.access, held.vault_id, held.scope, duration, by, then)
        answer = self._answered(held, released)
        answer.grant = self.grants.described(grant)
        return answer

    async def _settle(self, held: Held, action: Action, by: Principal) -> wire.HoldResolved:
        released = 0

        def then() -> None:
            nonlocal released
            for other in self._like(held):
                if action is Action.ALLOW:
                    released += self._allow(other, Duration.ALWAYS, by)
                else:
                    released += self._refuse(other, by)

        service = await self._services.settle(held.vault_id, held.ask, held.facts, action, by, then)
        outcome = "approved" if action is Action.ALLOW else "denied"
        answer = self._answered(held, released, outcome)
        answer.service = service
        return answer

    def _once(self, action: str, held: Held) -> Deed:
        """What lasts longer has an entry of its own: a grant's, a service's."""
        shown = self.holds.described(held)
        asked = {"service": shown.service, "method": shown.method, "url": shown.url}
        return Deed(action, shown.agent, held.vault_id, shown.vault, after=asked)

    def _like(self, held: Held) -> list[Held]:
        """Those that wait for the same answer, the request itself first, whoever sent them."""
        return [
            other
            for other in self.holds
            if (other.vault_id, other.scope) == (held.vault_id, held.scope)
        ]

    def _allow(self, held: Held, duration: Duration, by: Principal) -> bool:
        words = "once" if duration is Duration.ONCE else f"for {duration.value}"
        return self.holds.resolve(held, f"{by.label} allowed it {words}", "approved", by.label)

    def _refuse(self, held: Held, by: Principal) -> bool:
        error = VaultError("approval_denied", f"{held.ask.reason}; {by.label} denied it")
        return self.holds.resolve(held, error, "denied", by.label)

    @staticmethod
    def _answered(held: Held, released: int, outcome: str = "approved") -> wire.HoldResolved:
        return wire.HoldResolved(id=held.id, outcome=outcome, released=released)
