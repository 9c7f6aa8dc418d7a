"""One login under way: whose it is, what it waits for, and how it has ended."""

import asyncio
import hmac
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum

from proxy_core.base.clock import rfc3339
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.oauth import Callback, DeviceStart, TokenError
from proxy_core.oauth.authorization import AuthorizationRequest
from proxy_core.oauth.loopback import LoopbackReceiver
from proxy_core.services.connecting.clients import Configuration
from proxy_core.services.connecting.targets import Stored, Target
from proxy_core.services.principal import Principal


class FlowState(StrEnum):
    """`exchanging`: what the person gave is being used, which nothing interrupts any more."""

    PENDING = "pending"
    EXCHANGING = "exchanging"
    CONNECTED = "connected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class FlowKind(StrEnum):
    """Who is asked, and where."""

    BROWSER = "browser"
    HEADLESS = "headless"
    DEVICE = "device"
    DIRECT = "direct"


_UNDER_WAY = frozenset((FlowState.PENDING, FlowState.EXCHANGING))


@dataclass(slots=True, eq=False)
class Flow:
    """`expires_at` in epoch seconds, `ends_at` on the monotonic clock.

    `receiver` is its own listener, where it has one, and `port` the fixed one that it has taken, or
    0. `resources` are closed when the flow has ended. `return_to`: path and query at this worker
    where the person's browser goes on; empty where a program follows the flow.
    """

    target: Target
    by: Principal
    kind: FlowKind
    expires_at: float
    ends_at: float
    configuration: Configuration
    return_to: str = field(default="", repr=False)
    port: int = 0
    receiver: LoopbackReceiver | None = None
    request: AuthorizationRequest | None = None
    device: DeviceStart | None = None
    state: FlowState = FlowState.PENDING
    stored: Stored | None = None
    error: str = ""
    message: str = ""
    id: str = field(default_factory=new_id)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)
    task: "asyncio.Task[None] | None" = None
    callback: "asyncio.Future[Callback]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in _UNDER_WAY

    @property
    def pending(self) -> bool:
        """Whether it is still a person's turn."""
        return self.state is FlowState.PENDING

    def is_for(self, state: str) -> bool:
        """Whether this is the state that a callback must bring."""
        expected = self.request.state if self.request else ""
        return bool(expected) and hmac.compare_digest(expected.encode(), state.encode())

    def arrive(self, callback: Callback) -> bool:
        """Take the one callback that counts; False: it has come, or nobody waits any more."""
        if not self.pending or self.callback.done():
            return False
        self.state = FlowState.EXCHANGING
        self.callback.set_result(callback)
        return True

    def refuse(self, refusal: TokenError) -> bool:
        """Take the provider's refusal instead; False as with `arrive`."""
        if not self.pending or self.callback.done():
            return False
        self.state = FlowState.EXCHANGING
        self.callback.set_exception(refusal)
        return True

    def end(self, state: FlowState, error: str = "", message: str = "") -> None:
        """Say how it has ended; the first word counts."""
        if self.under_way:
            self.state, self.error, self.message = state, error, message
            self.ended.set()

    def shown(self) -> wire.OAuthFlow:
        """As the API shows it. Once it has ended, there is nothing left to open."""
        shown = wire.OAuthFlow(
            id=self.id,
            state=self.state.value,
            kind=self.kind.value,
            vault=self.target.vault,
            expires_at=rfc3339(self.expires_at),
            key=self.target.key,
            provider=self.target.provider,
            error=self.error,
            message=self.message,
        )
        if self.stored is not None:
            moment = self.stored.connected_at
            shown.connected_at = "" if moment is None else rfc3339(moment)
            shown.account = self.stored.account
        if self.under_way and self.request is not None:
            shown.authorization_url = self.request.url
            shown.redirect_uri = self.request.redirect_uri
        if self.under_way and self.device is not None:
            shown.verification_uri = self.device.verification_uri
            shown.verification_uri_complete = self.device.verification_uri_complete
            shown.user_code = self.device.user_code
        return shown
