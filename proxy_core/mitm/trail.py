"""What is noted of one request while it runs, and becomes its one record when it has ended."""

import time
from dataclasses import replace

import msgspec

from proxy_core.base.ids import new_id
from proxy_core.domain.exchange import Access, Ask, Decision, Injection, Loan
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.domain.traffic import RequestRecord, RequestStart
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.route import Route


class Trail(msgspec.Struct, eq=False):
    """Notes of one request. `begun`, `asked_at` and `first_byte` are the loop's time, `held` is in
    seconds (-1: it was not), sizes are body bytes.

    `route` None: the request was answered before anybody knew where it should go; `access` is who
    asked, as far as that was known then.
    """

    begun: float
    ingress: str
    method: str = ""
    path: str = ""
    access: Access | None = None
    route: Route | None = None
    request_id: str = msgspec.field(default_factory=new_id)
    started_at: float = msgspec.field(default_factory=time.time)
    host: str = ""
    port: int = 0
    decision: Decision | None = None
    injected_headers: tuple[str, ...] = ()
    loan: Loan | None = None
    outcome: str = ""
    reason: str = ""
    status: int = 0
    error_code: str = ""
    asked_at: float = -1.0
    held: float = -1.0
    upstream: Upstream | None = None
    first_byte: float = -1.0
    bytes_up: int = 0
    bytes_down: int = 0
    streaming: bool = False
    websocket: bool = False
    retries: int = 0

    def asked(self, ask: Ask, now: float) -> Decision:
        """The request waits for an operator; answers what is known should nobody allow it."""
        self.asked_at, self.held = now, 0.0
        self.decision = replace(ask.decision, credential_keys=(), reason=ask.reason)
        return self.decision

    def answered(self, now: float) -> None:
        """It waits no more."""
        self.held, self.asked_at = now - self.asked_at, -1.0

    def allowed(self, decision: Decision, injection: Injection) -> None:
        """The request goes on."""
        self.decision = decision
        self.reason = decision.reason
        self.injected_headers = injection.header_names
        self.loan = injection.loan
        if decision.service is None:
            self.outcome = "unmatched"
        else:
            injected = injection.header_names or injection.substitutions
            self.outcome = "injected" if injected else "passthrough"

    def captured(self, decision: Decision) -> None:
        """The vault answers a login itself; what the service would inject goes nowhere."""
        reason = f"{decision.reason}, and captures logins: answered by the vault"
        self.decision = replace(decision, credential_keys=(), reason=reason)
        self.outcome, self.reason = "captured", reason

    def answered_locally(self, answer: LocalAnswer) -> None:
        """The vault answers a gateway path itself."""
        self.status, self.outcome = answer.status, "answered"
        self.reason = f"{answer.what}: answered by the vault"

    def follow(self, decision: Decision, like: RequestRecord) -> None:
        """As `allowed`, for a request that was decided and injected as that of `like`."""
        self.decision = decision
        self.outcome, self.reason = like.decision, like.reason
        self.injected_headers = like.injected_headers

    def sent_again(self, decision: Decision, injection: Injection) -> None:
        """The upstream has refused, and is asked again with another credential."""
        self.allowed(decision, injection)
        self.retries += 1
        self.first_byte = -1.0

    def start_like(self, like: RequestStart) -> RequestStart:
        """As `start`, where only this request's own identity differs from `like`."""
        return msgspec.structs.replace(like, request_id=self.request_id, started_at=self.started_at)

    def record_like(self, like: RequestRecord, now: float) -> RequestRecord:
        """As `record`, for a request that went as that of `like` did."""
        return msgspec.structs.replace(
            like,
            request_id=self.request_id,
            started_at=self.started_at,
            status=self.status,
            latency_ms=(now - self.begun) * 1000,
            first_byte_ms=(self.first_byte - self.begun) * 1000,
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
        )

    def start(self, route: Route, decision: Decision) -> RequestStart:
        """What consoles are told while the request is under way."""
        access, origin = route.access, route.origin
        return RequestStart(
            request_id=self.request_id,
            started_at=self.started_at,
            vault=decision.vault,
            ingress=self.ingress,
            method=self.method,
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            path=self.path,
            actor_type=access.actor_type,
            actor_id=access.actor_id,
            actor_name=access.actor_name,
            matched_service=decision.service.name if decision.service else "",
            credential_keys=decision.credential_keys,
            reason=decision.reason,
            decision="held" if self.asked_at >= 0 else "",
            held_ms=self._held_ms,
        )

    @property
    def _held_ms(self) -> float:
        return self.held * 1000 if self.held >= 0 else -1.0

    def _since_begun(self, now: float) -> float:
        """Milliseconds, without those that an operator took."""
        return (now - self.begun - max(self.held, 0.0)) * 1000

    def record(self, now: float) -> RequestRecord:
        """The record of the request, which ended at `now` (the loop's time)."""
        route, decision, upstream = self.route, self.decision, self.upstream
        access = route.access if route else self.access
        service = decision.service if decision else None
        fresh = upstream if upstream is not None and not upstream.reused else None
        return RequestRecord(
            request_id=self.request_id,
            started_at=self.started_at,
            vault=decision.vault if decision else (access.vault or "" if access else ""),
            ingress=self.ingress,
            method=self.method,
            scheme=route.origin.scheme if route else "",
            host=route.origin.host if route else self.host,
            port=route.origin.port if route else self.port,
            path=self.path,
            actor_type=access.actor_type if access else "",
            actor_id=access.actor_id if access else "",
            actor_name=access.actor_name if access else "",
            matched_service=service.name if service else "",
            credential_keys=decision.credential_keys if decision else (),
            injected_headers=self.injected_headers,
            decision=self.outcome,
            reason=self.reason,
            status=self.status,
            error_code=self.error_code,
            latency_ms=self._since_begun(now),
            connect_ms=fresh.connect_ms if fresh else -1.0,
            tls_ms=fresh.tls_ms if fresh else -1.0,
            first_byte_ms=self._since_begun(self.first_byte) if self.first_byte >= 0 else -1.0,
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            streaming=self.streaming,
            websocket=self.websocket,
            reused_upstream=upstream is not None and upstream.reused,
            retries=self.retries,
            account=self.loan.account if self.loan else "",
            account_reason=self.loan.reason if self.loan else "",
            held_ms=self._held_ms,
        )
