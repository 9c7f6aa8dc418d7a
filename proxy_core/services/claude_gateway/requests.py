"""Devices that wait to be approved: a bounded queue in memory, by their user codes.

A device polls with its secret code, of which only the SHA-256 is kept. Its request ends when it has
collected its tokens, was told that it was denied, or has waited too long; or with this worker.
"""

import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_token, token_sha256
from proxy_core.base.text import display_safe
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.users.throttle import site_of

DEVICE_PREFIX: Final = "vt_dev_"
MOST_WAITING: Final = 200
MOST_OF_AN_ADDRESS: Final = 20
MOST_SITES: Final = 4096
MOST_CLIENT: Final = 80
_EARLY_SECONDS: Final = 0.5
"""By so much a poll may come early: clocks and networks differ."""


class State(StrEnum):
    """How far a request has come."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(slots=True, eq=False)
class DeviceRequest:
    """One device. `poll_at` is on the monotonic clock; `device_id` is set once it is approved."""

    code: str
    sha256: bytes = field(repr=False)
    client: str
    address: str
    created_at: float
    expires_at: float
    poll_at: float
    interval: int = protocol.INTERVAL_SECONDS
    state: State = State.WAITING
    device_id: str = ""
    claimed: bool = False
    """Somebody is deciding it, or collects its tokens."""


class DeviceRequests:
    """Belongs to the worker's loop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_code: dict[str, DeviceRequest] = {}
        self._asked = Asked()

    def begin(self, client: str, address: str) -> tuple[DeviceRequest, str]:
        """A new request, and the device's secret code.

        Raises VaultError: rate_limited (this address), overloaded (all).
        """
        clock = self._context.clock
        self.sweep()
        self._asked.count(site_of(address), clock.monotonic())
        if len(self._by_code) >= MOST_WAITING:
            raise VaultError("overloaded", "Too many devices wait to be approved.", retry_after=60)
        secret, now = new_token(DEVICE_PREFIX), clock.time()
        request = DeviceRequest(
            code=self._new_code(),
            sha256=token_sha256(secret),
            client=display_safe(client, MOST_CLIENT),
            address=address,
            created_at=now,
            expires_at=now + protocol.REQUEST_SECONDS,
            poll_at=clock.monotonic(),
        )
        self._by_code[request.code] = request
        shown = {"id": request.code, "name": request.client, "address": address}
        self._context.publish(EventType.DEVICE_REQUESTED, request.client, **shown)
        return request, secret

    def poll(self, secret: str) -> DeviceRequest:
        """The request of a device that was approved.

        Raises OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token.
        """
        self.sweep()
        sha256 = token_sha256(secret)
        found = next((one for one in self._by_code.values() if one.sha256 == sha256), None)
        if found is None:
            raise OAuthRefusal("expired_token", "The sign-in has expired, or was completed.")
        if found.state is State.DENIED:
            del self._by_code[found.code]
            raise OAuthRefusal("access_denied", "The sign-in was denied.")
        now = self._context.clock.monotonic()
        early = now < found.poll_at - _EARLY_SECONDS
        if early:
            found.interval += protocol.SLOWER_SECONDS
        found.poll_at = now + found.interval
        if early:
            raise OAuthRefusal("slow_down", f"Ask every {found.interval} seconds.")
        if found.state is State.WAITING or found.claimed:
            raise OAuthRefusal("authorization_pending", "An operator has not decided yet.")
        return found

    def find(self, code: str) -> DeviceRequest | None:
        """The request of a user code, as it was typed, whatever became of it."""
        self.sweep()
        return self._by_code.get(protocol.normal_code(code))

    def waiting(self, code: str) -> DeviceRequest:
        """A request to be decided. Raises VaultError: not_found, conflict (it is being decided)."""
        found = self.find(code)
        if found is None or found.state is not State.WAITING:
            raise VaultError("not_found", "No device with this code waits (any more).")
        if found.claimed:
            raise VaultError("conflict", "Another operator is deciding this device.")
        return found

    def approved(self, request: DeviceRequest, by: str, device_id: str, agent: str) -> None:
        """Its device gets its tokens when it asks next."""
        request.state, request.device_id = State.APPROVED, device_id
        self._tell(request, "approved", by, agent=agent)

    def denied(self, request: DeviceRequest, by: str) -> None:
        """Its device hears of it when it asks next."""
        request.state = State.DENIED
        self._tell(request, "denied", by)

    def collected(self, request: DeviceRequest) -> None:
        """The device has its tokens: its code is used up."""
        self._by_code.pop(request.code, None)

    def list(self) -> Iterator[DeviceRequest]:
        """Those that wait, oldest first."""
        self.sweep()
        return (one for one in list(self._by_code.values()) if one.state is State.WAITING)

    def described(self, request: DeviceRequest) -> wire.DeviceRequest:
        """As the API shows it."""
        left = request.expires_at - self._context.clock.time()
        return wire.DeviceRequest(
            code=request.code,
            client=request.client,
            address=request.address,
            agent=protocol.agent_name_for("", request.address),
            created_at=rfc3339(request.created_at),
            expires_at=rfc3339(request.expires_at),
            seconds_left=max(0, round(left)),
        )

    def sweep(self) -> None:
        """Let those go that have waited too long."""
        now = self._context.clock.time()
        for request in [one for one in self._by_code.values() if one.expires_at <= now]:
            del self._by_code[request.code]
            if request.state is State.WAITING:
                self._tell(request, "timeout", "worker")

    def _new_code(self) -> str:
        while True:
            letters = [secrets.choice(protocol.CODE_LETTERS) for _ in range(protocol.CODE_LENGTH)]
            code = protocol.shown_code("".join(letters))
            if code not in self._by_code:
                return code

    def _tell(self, request: DeviceRequest, outcome: str, by: str, **more: str) -> None:
        said = {"id": request.code, "name": request.client, "outcome": outcome, **more}
        self._context.publish(EventType.DEVICE_RESOLVED, by, **said)


class Asked:
    """How often an address has asked within a request's life: it may so many times."""

    def __init__(self, most: int = MOST_OF_AN_ADDRESS) -> None:
        self._most = most
        self._times: dict[str, deque[float]] = {}

    def count(self, site: str, now: float) -> None:
        """One more. Raises VaultError: rate_limited, with the seconds to wait; then none is."""
        times = self._times.pop(site, None) or deque()
        while times and times[0] + protocol.REQUEST_SECONDS <= now:
            times.popleft()
        while len(self._times) >= MOST_SITES:
            del self._times[next(iter(self._times))]
        self._times[site] = times
        if len(times) >= self._most:
            wait = int(times[0] + protocol.REQUEST_SECONDS - now) + 1
            raise VaultError("rate_limited", "This address asks too often.", retry_after=wait)
        times.append(now)
