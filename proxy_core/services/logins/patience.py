"""Tokens that were just issued are worth waiting for a database that is away for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from proxy_core.base.errors import VaultError

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)

T = TypeVar("T")


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` answers; tried again after each of PAUSES, in seconds, while there is no
    database. Raises as `attempt` does.
    """
    for pause in PAUSES:
        try:
            return await attempt()
        except VaultError as error:
            if error.code != "database_unavailable":
                raise
        await asyncio.sleep(pause)
    return await attempt()
