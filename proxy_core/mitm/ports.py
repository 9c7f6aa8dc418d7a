"""What the data path needs from the floors above it: the broker's protocol.

`authenticate` and `decide` are synchronous and touch no database: they run on the hot path.
"""

import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from proxy_core.domain.exchange import (
    Access,
    Ask,
    Decision,
    Injection,
    Loan,
    RequestDetails,
    RequestFacts,
    ResponseFacts,
)
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.oauth.capture import LoginAnswer, LoginRequest
from proxy_core.domain.service import Gateway
from proxy_core.domain.traffic import RequestRecord, RequestStart


class Broker(Protocol):
    """Implemented by `services.broker`; by a fake in the data path's own tests."""

    async def verify(self, authorization: bytes, address: str = "") -> None:
        """Have an issuer vouch for a JWT, so that `authenticate` knows it. May take time.

        Asked for fields that `agent_tokens.carries_jwt` says yes to. Raises VaultError as
        `authenticate` does, and what keeps the issuer from being asked.
        """

    def authenticate(
        self, authorization: bytes | None, address: str = "", vault: str | None = None
    ) -> Access:
        """Check the token; `address` is the client's, without its port.

        `authorization` is as Proxy-Authorization has it; `vault` is what the request names beside
        it. Raises VaultError: proxy_auth_required, rate_limited (too many wrong ones), bad_request
        (two vaults are named).
        """

    def gateway(self, access: Access, prefix: str) -> Gateway:
        """Where a gateway's prefix leads in the client's vault, as it is now.

        Raises VaultError: gateway_not_found (with `gateways`), service_disabled,
        proxy_auth_required (revoked since), vault_required, vault_not_found, vault_forbidden.
        """

    def answers(self, request: LocalRequest) -> LocalPath | None:
        """Whether a gateway request may be answered here, and on which terms; None: it goes on."""

    async def answer(self, local: Local) -> LocalAnswer | None:
        """Answer a request that `answers` said yes to, read whole; None: it goes on after all.

        Goes on to its end when the client leaves. Raises VaultError: the client gets that.
        """

    def admit(self, access: Access) -> Callable[[], None] | None:
        """Count a request; what is answered, if anything, is called when it has ended.

        Raises VaultError: rate_limited, with the seconds to wait.
        """

    def decide(self, access: Access, facts: RequestFacts) -> Decision | Ask:
        """Decide afresh for each request, revocation included.

        Raises VaultError: proxy_auth_required (revoked since), vault_required, vault_not_found,
        vault_forbidden, forbidden (with proposal_hint), service_not_granted, service_disabled,
        method_not_allowed, path_not_allowed, http_not_allowed, sealed.
        """

    async def hold(self, access: Access, facts: RequestFacts, ask: Ask, preview: str) -> Decision:
        """Wait for an operator; `preview` shows them some of the body. Cancel it when the client
        has left.

        Raises VaultError: approval_denied, approval_timeout, overloaded, and as `decide` does.
        """

    async def capture(
        self, access: Access, decision: Decision, request: LoginRequest
    ) -> LoginAnswer | None:
        """Carry out a login in the client's place and answer it; None: it goes on as any request.

        Asked for a service with `capture` alone. Goes on to its end when the client leaves.
        Raises VaultError: sealed, vault_not_found.
        """

    async def inject(self, decision: Decision, request: RequestDetails) -> Injection:
        """Decrypt what the service needs; borrow what `decision.borrows` tells of.

        Raises VaultError: credential_not_found, oauth_not_connected, oauth_refresh_failed,
        accounts_exhausted, sealed, …
        """

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Take note of the head of each response to a loan: what is left of its quota."""

    async def reconsider(
        self, decision: Decision, loan: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        """Another decision to inject and send the request again with; None: the response passes.

        Asked after each refusal, if `decision.reconsiders`. The next attempt comes whatever the
        method: answer with a decision only for a status that says that the upstream did not act
        on this one. May take time (a token's refresh).
        Raises VaultError: the client gets that instead of the response.
        """

    def returned(self, loan: Loan) -> None:
        """The request that `loan` was for has ended, or goes on with another one. Never blocks."""

    def started(self, start: RequestStart) -> None:
        """Tell consoles that a request is under way. Never blocks."""

    def finished(self, record: RequestRecord) -> None:
        """Log the request and tell consoles. Never blocks; drops are counted."""


class LeafSource(Protocol):
    """Server contexts for the names that clients CONNECT to."""

    def context_for(self, host: str) -> ssl.SSLContext:
        """A context with a leaf for `host`. Raises VaultError: sealed when none can be signed."""
