"""Answers the data path from the snapshot: who, whether, and with which secret.

Nothing here waits for the database. A secret is decrypted for its request and dropped; what is
kept is as sealed as it is on disk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from proxy_core.base.errors import VaultError
from proxy_core.domain import policy
from proxy_core.domain.approval import scope_of
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import (
    NO_DETAILS,
    NO_INJECTION,
    Access,
    Ask,
    BorrowedKind,
    Decision,
    Ingress,
    Injection,
    Loan,
    RequestDetails,
    RequestFacts,
    ResponseFacts,
)
from proxy_core.domain.injection import build_injection
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.oauth.capture import LoginAnswer, LoginRequest
from proxy_core.domain.service import AuthType, Gateway, Service, UnmatchedHostPolicy
from proxy_core.domain.traffic import RequestRecord, RequestStart
from proxy_core.services.approvals import Approvals
from proxy_core.services.authentication import Authentication, vault_of
from proxy_core.services.capturing import Capturing
from proxy_core.services.cloud.aws import AwsSigning
from proxy_core.services.context import Context
from proxy_core.services.gateway import GatewayAnswers, upstream_of
from proxy_core.services.lending import Lending, Lent
from proxy_core.services.limits import RequestLimits
from proxy_core.services.scrubbing import Scrubbers
from proxy_core.services.snapshot import Bearer, SealedSecret, VaultEntry

_STARTED, _FINISHED = EventType.REQUEST_STARTED.value, EventType.REQUEST_FINISHED.value


class Broker:
    """Implements `mitm.ports.Broker`."""

    def __init__(
        self,
        context: Context,
        approvals: Approvals,
        limits: RequestLimits,
        authentication: Authentication,
        lending: Lending,
        capturing: Capturing,
        gateway_answers: GatewayAnswers,
        aws: AwsSigning,
        allow_http: bool = False,
    ) -> None:
        self._context = context
        self._holds = approvals.holds
        self._grants = approvals.grants
        self._limits = limits
        self._authentication = authentication
        self._lending = lending
        self._capturing = capturing
        self._gateway_answers = gateway_answers
        self._aws = aws
        self._allow_http = allow_http
        self._scrubbers = Scrubbers(context.sealer)

    async def verify(self, authorization: bytes, address: str = "") -> None:
        """Have a JWT vouched for. Raises VaultError: see `mitm.ports.Broker`."""
        await self._authentication.verify(authorization, address)

    def authenticate(
        self, authorization: bytes | None, address: str = "", vault: str | None = None
    ) -> Access:
        """Check the token. Raises VaultError: see `mitm.ports.Broker`."""
        return self._authentication.authenticate(authorization, address, vault)

    def gateway(self, access: Access, prefix: str) -> Gateway:
        """Where a gateway's prefix leads. Raises VaultError: see `mitm.ports.Broker`."""
        snapshot = self._context.snapshot
        bearer = self._authentication.live(access.token_sha256)
        entry = vault_of(snapshot, bearer, access)
        return upstream_of(entry, prefix, bearer.services.get(entry.id))

    def answers(self, request: LocalRequest) -> LocalPath | None:
        """Whether a gateway path may be answered here."""
        covering = self._gateway_answers.covering(request)
        return None if covering is None else covering[0]

    async def answer(self, local: Local) -> LocalAnswer | None:
        """Answer it. Raises VaultError: whatever is to be said instead."""
        return await self._gateway_answers.answer(local)

    def admit(self, access: Access) -> Callable[[], None] | None:
        """Count a request against its agent's and its vault's limits.

        Raises VaultError: rate_limited.
        """
        return self._limits.admit(access.actor_id, access.vault_id)

    def decide(self, access: Access, facts: RequestFacts) -> Decision | Ask:
        """Decide afresh: the token, the grant and the services as they are now.

        Raises VaultError: see `mitm.ports.Broker`.
        """
        snapshot = self._context.snapshot
        bearer = self._authentication.live(access.token_sha256)
        entry = vault_of(snapshot, bearer, access)
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        outcome = policy.decide(
            entry.compiled.index,
            # A gateway is a service's: what none covers has no business there.
            entry.policy if facts.ingress is not Ingress.GATEWAY else UnmatchedHostPolicy.DENY,
            facts,
            self._allow_http,
            entry.name,
            bearer.services.get(entry.id),
        )
        if entry.borrowed or entry.compiled.mints:
            outcome = _borrowing(outcome, entry, bearer)
        return self._granted(access, entry, facts, outcome) if type(outcome) is Ask else outcome

    def _granted(
        self, access: Access, entry: VaultEntry, facts: RequestFacts, ask: Ask
    ) -> Decision | Ask:
        grant = self._grants.covering(access, entry.id, scope_of(facts, ask))
        if grant is None:
            return ask
        reason = f"{ask.reason}; {grant.created_by} allowed it for {grant.duration.value}"
        return replace(ask.decision, reason=reason)

    async def hold(self, access: Access, facts: RequestFacts, ask: Ask, preview: str) -> Decision:
        """Wait for an operator, then decide afresh: much may have changed meanwhile.

        Raises VaultError: see `mitm.ports.Broker`.
        """
        snapshot = self._context.snapshot
        bearer = self._authentication.live(access.token_sha256)
        entry = vault_of(snapshot, bearer, access)
        allowed = await self._holds.wait(access, entry.id, facts, ask, preview)
        again = self.decide(access, facts)
        if isinstance(again, Decision):
            return again
        if _without_rules(again) != _without_rules(ask):
            raise VaultError(
                "approval_denied", "the service was changed while the request was held; repeat it"
            )
        return replace(again.decision, reason=f"{again.reason}; {allowed}")

    async def capture(
        self, access: Access, decision: Decision, request: LoginRequest
    ) -> LoginAnswer | None:
        """Log in for an agent, and keep the tokens. Raises VaultError: see `mitm.ports.Broker`."""
        return await self._capturing.answer(access, decision, request)

    async def inject(self, decision: Decision, request: RequestDetails = NO_DETAILS) -> Injection:
        """Decrypt what the service needs, borrowing what is no stored value.

        Raises VaultError: credential_not_found, credential_unreadable, substitution_invalid,
        sealed, vault_not_found, oauth_not_connected, oauth_refresh_failed, accounts_exhausted,
        token_mint_failed, signing_failed.
        """
        if decision.service is None or not decision.credential_keys:
            return NO_INJECTION
        entry = self._context.vault(decision.vault)
        if decision.service.auth.type is AuthType.AWS_SIGV4:
            await self._aws.ready()
        if not decision.borrows:
            return self._injection(decision.service, entry, {})
        lent = await self._lending.lend(entry, decision, request)
        try:
            injection = self._injection(decision.service, entry, lent)
        except VaultError:
            for one in lent.values():
                self._lending.returned(one.loan)
            raise
        first, *others = [one.loan for one in lent.values()]
        for loan in others:  # one credential at most can be exchanged for another
            self._lending.returned(loan)
        return structs.replace(injection, loan=first)

    def _injection(
        self, service: Service, entry: VaultEntry, lent: Mapping[str, Lent]
    ) -> Injection:
        secrets: Mapping[str, SealedSecret] = entry.secrets
        if lent:
            secrets = {**secrets, **{key: one.sealed for key, one in lent.items()}}
        unseal = self._context.sealer.unseal

        def secret(key: str) -> bytes:
            if (borrowed := lent.get(key)) is not None:
                return borrowed.value
            sealed = secrets.get(key)
            if sealed is None:
                raise _missing(key, service.name, entry.name)
            try:
                return unseal(sealed.blob, sealed.aad)
            except VaultError as error:
                raise _unreadable(error, key, entry.name) from None

        injection = build_injection(service, secret)
        if service.auth.type is AuthType.AWS_SIGV4:
            injection = structs.replace(injection, signer=self._aws.signer(service.auth, secret))
        if not service.scrub:
            return injection
        scrub = self._scrubbers.scrubber(service, secrets, secret)
        return structs.replace(injection, scrub=scrub)

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Note what a response to a loan tells of its quota."""
        self._lending.observe(loan, status, headers)

    async def reconsider(
        self, decision: Decision, loan: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        """A stored value has no other to stand in for it: the response passes.

        What was borrowed may have: see `services.lending`. Raises VaultError as it does.
        """
        if loan is None:
            return None
        return await self._lending.reconsider(decision, loan, response)

    def returned(self, loan: Loan) -> None:
        """A loan's request has ended."""
        self._lending.returned(loan)

    def started(self, start: RequestStart) -> None:
        """Tell consoles that a request is under way."""
        self._context.stir()
        self._context.bus.append(_STARTED, start)

    def finished(self, record: RequestRecord) -> None:
        """Log the request, tell consoles, and remember what was used."""
        context = self._context
        context.stir()
        entry = context.vault_once_named(record.vault)
        context.log.append(record, entry.id if entry else "")
        context.bus.append(_FINISHED, record)
        context.usage.note(record, entry.name if entry else record.vault)


def _borrowing(outcome: Decision | Ask, entry: VaultEntry, bearer: Bearer) -> Decision | Ask:
    """Say in the decision that it borrows, where it does."""
    decision = outcome.decision if isinstance(outcome, Ask) else outcome
    found = (entry.borrows(key, decision.service) for key in decision.credential_keys)
    kinds = {borrowed.kind for borrowed in found if borrowed is not None}
    if not kinds:
        return outcome
    borrowing = replace(
        decision,
        reconsiders=True,
        borrows=True,
        pooled=BorrowedKind.POOL in kinds,
        account_id=bearer.account_id,
    )
    return replace(outcome, decision=borrowing) if isinstance(outcome, Ask) else borrowing


def _without_rules(ask: Ask) -> Service | None:
    """What an operator has looked at: where the request goes and what it gets."""
    service = ask.decision.service
    return None if service is None else replace(service, rules=())


def _missing(key: str, service: str, vault: str) -> VaultError:
    remedy = f"vault-tui credential set {key} --vault {vault}"
    return VaultError(
        "credential_not_found",
        f"Service {service} uses credential {key}, which vault {vault} does not have. "
        f"An operator stores it with `{remedy}`.",
        extra={"credential_key": key, "remedy": remedy},
    )


def _unreadable(error: VaultError, key: str, vault: str) -> VaultError:
    if error.code != "credential_unreadable":
        return error
    return VaultError(
        "credential_unreadable",
        f"Credential {key} of vault {vault} cannot be decrypted; set it again.",
        extra={"credential_key": key},
    )
