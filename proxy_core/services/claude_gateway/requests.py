"""Devices that wait to be approved: a bounded queue in the database, so that any worker answers.

A device polls with its secret code, of which only the SHA-256 is kept. Its request ends when it has
collected its tokens, was told that it was denied, or has waited too long. A poll that is answered
"not yet" reads one row and writes nothing; one that comes too soon does not even read.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from proxy_core.base.clock import rfc3339
from proxy_core.base.ids import new_token, token_sha256
from proxy_core.base.text import display_safe
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain import wire
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.events import EventType
from proxy_core.services.claude_gateway.pace import Asked, Pace
from proxy_core.services.context import Context
from proxy_core.services.users.throttle import site_of
from proxy_core.store import device_requests as store
from proxy_core.store.device_requests import State
from proxy_core.store.tables import DeviceRequestRow

DEVICE_PREFIX: Final = "vt_dev_"
MOST_WAITING: Final = 200
MOST_CLIENT: Final = 80


class DeviceRequests:
    """Belongs to the worker's loop. Every method raises VaultError: database_unavailable."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked = Asked()
        self._pace = Pace()

    async def begin(self, client: str, address: str) -> tuple[DeviceRequestRow, str]:
        """A new request, and the device's secret code.

        Raises VaultError: rate_limited (this address), overloaded (all).
        """
        clock = self._context.clock
        self._asked.count(site_of(address), clock.monotonic())
        await self.sweep()
        # Who asks is a stranger: while there is no room, nothing is written for them.
        await self._context.database.read(lambda session: store.check_room(session, MOST_WAITING))
        secret, now = new_token(DEVICE_PREFIX), clock.time()
        values = DeviceRequestRow(
            sha256=token_sha256(secret),
            code="",
            client=display_safe(client, MOST_CLIENT),
            address=address,
            state=State.WAITING.value,
            created_at=now,
            expires_at=now + protocol.REQUEST_SECONDS,
        ).model_dump()

        def tell(made: DeviceRequestRow) -> None:
            shown = {"id": made.code, "name": made.client, "address": address}
            self._context.publish(EventType.DEVICE_REQUESTED, made.client, **shown)

        made = await self._context.change(
            lambda session: store.add_request(
                session, DeviceRequestRow(**values), _new_code, MOST_WAITING
            ),
            tell,
        )
        return made, secret

    async def poll(self, secret: str) -> DeviceRequestRow:
        """The request of a device that was approved.

        Raises OAuthRefusal: authorization_pending, slow_down, access_denied, expired_token.
        """
        sha256, clock = token_sha256(secret), self._context.clock
        self._pace.check(sha256, clock.monotonic())
        now = clock.time()
        found = await self._context.database.read(
            lambda session: store.by_device_code(session, sha256, now)
        )
        if found is None:
            self._pace.forget(sha256)
            raise expired()
        self._pace.keep(sha256, clock.monotonic())
        if found.state == State.DENIED:
            await self._context.database.run(lambda session: store.take_out(session, sha256))
            raise OAuthRefusal("access_denied", "The sign-in was denied.")
        if found.state == State.WAITING:
            raise OAuthRefusal("authorization_pending", "An operator has not decided yet.")
        return found

    async def find(self, code: str) -> DeviceRequestRow | None:
        """The request of a user code, as it was typed, whatever became of it."""
        normal, now = protocol.normal_code(code), self._context.clock.time()
        if not normal:
            return None
        return await self._context.database.read(
            lambda session: store.by_user_code(session, normal, now)
        )

    async def list(self) -> wire.DeviceRequestList:
        """Those that wait, oldest first."""
        now = self._context.clock.time()
        found = await self._context.database.read(lambda session: store.waiting(session, now))
        return wire.DeviceRequestList(requests=[_described(one, now) for one in found])

    async def sweep(self) -> None:
        """Let those go that have waited too long. Nothing is written when there are none."""
        now = self._context.clock.time()
        if await self._context.database.read(lambda session: store.has_expired(session, now)):
            await self._context.change(
                lambda session: store.take_expired(session, now), self._timed_out
            )

    def resolved(self, request: DeviceRequestRow, by: str, **more: str) -> None:
        """Announce what has become of it: its device hears of it when it asks next."""
        said = {"id": request.code, "name": request.client, "outcome": request.state, **more}
        self._context.publish(EventType.DEVICE_RESOLVED, by, **said)

    def _timed_out(self, requests: Sequence[DeviceRequestRow]) -> None:
        for one in requests:
            said = {"id": one.code, "name": one.client, "outcome": "timeout"}
            self._context.publish(EventType.DEVICE_RESOLVED, "worker", **said)


def expired() -> OAuthRefusal:
    """No code of a device that waits."""
    return OAuthRefusal("expired_token", "The sign-in has expired, or was completed.")


def _new_code() -> str:
    letters = (secrets.choice(protocol.CODE_LETTERS) for _ in range(protocol.CODE_LENGTH))
    return protocol.shown_code("".join(letters))


def _described(request: DeviceRequestRow, now: float) -> wire.DeviceRequest:
    """As the API shows it."""
    return wire.DeviceRequest(
        code=request.code,
        client=request.client,
        address=request.address,
        agent=protocol.agent_name_for("", request.address),
        created_at=rfc3339(request.created_at),
        expires_at=rfc3339(request.expires_at),
        seconds_left=max(0, round(request.expires_at - now)),
    )
