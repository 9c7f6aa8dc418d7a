"""Who waits for a socket, until when, and how a wait ends in a failure instead."""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from math import inf
from typing import Any, Literal


class StreamError(Exception):
    """A stream failed: `stream` says whose side, `reason` how, `cause` what the system said."""

    def __init__(
        self, stream: "Waits", reason: Literal["timeout", "closed"], cause: OSError | None = None
    ) -> None:
        super().__init__(reason)
        self.stream = stream
        self.reason = reason
        self.cause = cause


class Waiter:
    """A future that resumes its task within `wake` instead of in a later turn of the loop.

    That saves a queued callback and, when little is going on, an empty poll of the selector.
    Implements what asyncio's tasks ask of a future-like object that they await: one task awaits
    it, once.
    """

    __slots__ = ("_asyncio_future_blocking", "_callback", "_context", "_failure", "_loop", "_value")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._callback: Callable[[Waiter], object] | None = None
        self._context: Context | None = None
        self._failure: BaseException | None = None
        self._value: bytes | None = None

    def __await__(self) -> Generator[Any, None, bytes]:
        if self._value is None and self._failure is None:
            self._asyncio_future_blocking = True
            yield self
        if self._failure is not None:
            raise self._failure
        return self._value or b""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop whose task may wait."""
        return self._loop

    def add_done_callback(
        self, callback: "Callable[[Waiter], object]", *, context: Context
    ) -> None:
        """Called by the task that waits."""
        self._callback, self._context = callback, context

    def done(self) -> bool:
        """It has a result or a failure, whether or not its task has seen it."""
        return self._value is not None or self._failure is not None

    def result(self) -> bytes:
        """What `wake` was given. Raises what `fail` was given."""
        if self._failure is not None:
            raise self._failure
        return self._value or b""

    def wake(self, value: bytes) -> None:
        """Resume the task, now: call it last, and only where no task is running."""
        self._value = value
        callback, context = self._callback, self._context
        if callback is not None and context is not None:
            context.run(callback, self)

    def fail(self, failure: BaseException) -> None:
        """Let the task raise `failure`, soon."""
        self._failure = failure
        if self._callback is not None:
            self._loop.call_soon(self._callback, self, context=self._context)

    def cancel(self, msg: object = None) -> bool:
        """Called by the task when it is cancelled; False when it is too late for that."""
        if self.done():
            return False
        self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True


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
        self.read_waiter: Waiter | None = None
        self.write_waiter: Waiter | None = None
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


def fail(waiter: Waiter | None, failure: Exception) -> bool:
    """Let the waiter raise `failure`; False when nobody waits."""
    if waiter is None or waiter.done():
        return False
    waiter.fail(failure)
    return True
