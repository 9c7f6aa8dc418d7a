"""What trusted issuers' JWTs are worth: asked once for each, remembered until it expires.

    verify(token)     asks the verifier, which may fetch keys; one question for all who wait
    known(sha256)     who was vouched for, on the hot path: a dict look-up

The vault's own tokens never come here.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.services.snapshot import Bearer

MAX_REMEMBERED: Final = 10_000
MAX_ASKED_AT_ONCE: Final = 64


class Verifier(Protocol):
    """Knows the trusted issuers."""

    async def verify(self, token: str) -> Bearer:
        """Whom the JWT is for, with its `exp` as `expires_at` and its SHA-256 as `sha256`.

        `token` has the shape of a JWT, nothing else of it was looked at. May take time, and is not
        cancelled when the client leaves. Raises VaultError: unauthorized, which says why; or
        another one when that can't be told now (upstream_unreachable).
        """


class Verdicts:
    """`verifier` None: no issuer is trusted, and every JWT is refused."""

    def __init__(self, clock: Clock) -> None:
        self.verifier: Verifier | None = None
        self._time = clock.time
        self._known: dict[bytes, Bearer] = {}
        self._asking: dict[bytes, asyncio.Task[Bearer]] = {}
        self._age = 0
        """How often something was forgotten: what was asked before that is not remembered."""

    def known(self, sha256: bytes) -> Bearer | None:
        """Who was vouched for; it may have expired since."""
        return self._known.get(sha256)

    async def verify(self, token: str) -> Bearer:
        """Whom a JWT is for, from what is remembered or from the verifier.

        Raises VaultError: unauthorized, overloaded, and as the verifier does.
        """
        sha256 = token_sha256(token)
        found = self._known.get(sha256)
        if found is not None and found.expires_at > self._time():
            return found
        task = self._asking.get(sha256)
        if task is None:
            task = self._ask(self._trusted(), token, sha256)
        return await asyncio.shield(task)

    def forget(self, which: Callable[[Bearer], bool] = lambda _: True) -> list[bytes]:
        """Ask again for those the next time; the SHA-256 of the tokens that were forgotten."""
        gone = [sha256 for sha256, bearer in self._known.items() if which(bearer)]
        for sha256 in gone:
            del self._known[sha256]
        self._age += 1
        return gone

    def revise(self, anew: Callable[[Bearer], Bearer | None]) -> list[bytes]:
        """Let each be whoever it is `anew`, or nobody: what a token is worth has changed, not the
        token. Answers those, by SHA-256, that may use less than before.
        """
        lost: list[bytes] = []
        for sha256, before in list(self._known.items()):
            after = anew(before)
            if after is before:
                continue
            if after is None:
                del self._known[sha256]
            else:
                self._known[sha256] = after
            if after is None or before.loses_by(after):
                lost.append(sha256)
        return lost

    def _trusted(self) -> Verifier:
        if self.verifier is None:
            raise VaultError("unauthorized", "No issuer of JWTs is trusted here.")
        if len(self._asking) >= MAX_ASKED_AT_ONCE:
            raise VaultError("overloaded", "Too many JWTs are being verified.")
        return self.verifier

    def _ask(self, verifier: Verifier, token: str, sha256: bytes) -> "asyncio.Task[Bearer]":
        task = asyncio.create_task(self._verified(verifier, token, sha256, self._age))
        self._asking[sha256] = task

        def answered(done: "asyncio.Task[Bearer]") -> None:
            self._asking.pop(sha256, None)
            if not done.cancelled():
                done.exception()  # whoever asked may have left

        task.add_done_callback(answered)
        return task

    async def _verified(self, verifier: Verifier, token: str, sha256: bytes, age: int) -> Bearer:
        bearer = await verifier.verify(token)
        if age == self._age:
            self._remember(sha256, bearer)
        return bearer

    def _remember(self, sha256: bytes, bearer: Bearer) -> None:
        if len(self._known) >= MAX_REMEMBERED:
            now = self._time()
            live = {key: one for key, one in self._known.items() if one.expires_at > now}
            # With all of them alive the oldest go, and are asked for again.
            self._known = dict(list(live.items())[-MAX_REMEMBERED // 2 :])
        self._known[sha256] = bearer
