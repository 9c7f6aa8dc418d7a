"""A strict provider and the API behind it, in a thread of its own."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from tests.oauth.rotating import RotatingServer
from tests.oauth.servers import Received, listening, reply


@dataclass
class LiveProvider(RotatingServer):
    """Tokens end when they say; `/resource` answers 401 to any other.

    `delay`: seconds from a refresh to its answer. `posted` are the bodies that were accepted.
    """

    delay: float = 0.0
    accepted: int = 0
    refused: int = 0
    posted: list[bytes] = field(default_factory=list)
    _issued: dict[str, float] = field(default_factory=dict)
    _revoked: set[str] = field(default_factory=set)
    _counted: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Self:
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def revoke(self) -> None:
        """The API takes no access token that was issued so far."""
        self._revoked |= set(self._issued)

    def wait_for(self, refreshes: int) -> None:
        """Return once so many refreshes were carried out."""
        with self._counted:
            assert self._counted.wait_for(lambda: self.refreshes >= refreshes, timeout=30)

    def accepts(self, access: bytes) -> bool:
        token = access.decode()
        if token in self._revoked or time.time() >= self._issued.get(token, 0.0):
            return False
        return super().accepts(access)

    async def __call__(self, request: Received) -> bytes | None:
        if request.target.startswith("/resource"):
            return self._resource(request)
        answer = await super().__call__(request)
        with self._counted:
            self._counted.notify_all()
        await asyncio.sleep(self.delay)
        return answer

    def _resource(self, request: Received) -> bytes:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.accepts(token.encode()):
            self.refused += 1
            return reply('{"error":"unauthorized"}', 401)
        self.accepted += 1
        self.posted.append(request.body)
        return reply(f'{{"you sent":"{token}"}}')

    def _issue(self, family: object) -> tuple[str, str]:
        access, refresh = super()._issue(family)  # type: ignore[arg-type]  # the family's own kind
        self._issued[access] = time.time() + self.expires_in
        return access, refresh

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with listening(self) as self.port:
            self._ready.set()
            await self._end.wait()
