"""Hashing and checking passwords, in threads: each takes a fifth of a second and 64 MiB."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.domain.users import password_bytes
from proxy_core.seal import (
    COST_FLOOR,
    Argon2Cost,
    PasswordHash,
    hash_password,
    nobodys_password,
    password_matches,
)

T = TypeVar("T")

AT_ONCE = 2
"""Derivations at a time: the proxy runs beside them."""
MOST_WAITING = 32
"""Beyond so many, whoever comes is told to come again."""
_RETRY_SECONDS = 2


class Passwords:
    """`cost` is that of new hashes."""

    def __init__(self, cost: Argon2Cost = COST_FLOOR) -> None:
        self.cost = cost
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: bytes) -> PasswordHash:
        """A new hash. Raises VaultError: overloaded."""
        return await self._in_thread(lambda: hash_password(password, self.cost))

    async def check(self, stored: PasswordHash | None, password: str) -> bool:
        """Whether it is the password; None takes as long, and is nobody's.

        Raises VaultError: overloaded.
        """
        wanted = stored or nobodys_password(self.cost)
        right = await self._in_thread(lambda: password_matches(wanted, password_bytes(password)))
        return right and stored is not None

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise VaultError(
                "overloaded", "Too many passwords are being checked.", retry_after=_RETRY_SECONDS
            )
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
