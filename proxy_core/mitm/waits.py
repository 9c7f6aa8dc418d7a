"""Who waits for a socket, until when, and how a wait ends in a failure instead."""

import asyncio
from math import inf
from typing import Literal


class StreamError(Exception):
    """A stream failed: `stream` says whose side, `reason` how, `cause` what the system said."""

    def __init__(
        self, stream: "Waits", reason: Literal["timeout", "closed"], cause: OSError | None = None
    ) -> None:
        super().__init__(reason)
        self.stream = stream
        self.reason = reason
        self.cause = cause


class Waits:
    """One reader and one writer of a stream, each with its deadline (the loop's time)."""

    __slots__ = (
        "_pending_failure",
        "closed",
        "read_deadline",
        "read_waiter",
        "write_deadline",
        "write_waiter",
    )

    def __init__(self) -> None:
        self.read_waiter: asyncio.Future[bytes] | None = None
        self.write_waiter: asyncio.Future[None] | None = None
        self.read_deadline = self.write_deadline = inf
        self._pending_failure: Exception | None = None
        self.closed = False

    @property
    def interrupted(self) -> bool:
        """A failure is left over for the next read: of no use to another request."""
        return self._pending_failure is not None

    def overdue(self, now: float) -> bool:
        """Whether a read or write waits longer than it may."""
        return self.read_deadline < now or self.write_deadline < now

    def expire(self, now: float) -> None:
        """Fail what waits longer than it may."""
        if self.read_deadline < now:
            fail(self.read_waiter, StreamError(self, "timeout"))
        if self.write_deadline < now:
            fail(self.write_waiter, StreamError(self, "timeout"))

    def interrupt(self, failure: Exception) -> None:
        """Let the read or write that waits, or else the next one that would, raise `failure`."""
        if not fail(self.read_waiter, failure) and not fail(self.write_waiter, failure):
            self._pending_failure = failure

    def check_failure(self) -> None:
        """Raise what `interrupt` has left, or StreamError when the stream is closed."""
        if self._pending_failure is not None:
            failure, self._pending_failure = self._pending_failure, None
            raise failure
        if self.closed:
            raise StreamError(self, "closed")


def fail(waiter: "asyncio.Future[bytes] | asyncio.Future[None] | None", failure: Exception) -> bool:
    """Let the waiter raise `failure`; False when nobody waits."""
    if waiter is None or waiter.done():
        return False
    waiter.set_exception(failure)
    return True
