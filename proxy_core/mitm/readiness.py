"""Which sockets are ready: one selector for all streams, inside the loop's own.

A loop's selector makes an event into a key, a handle, a context and an entry in a queue; here it is
one call. The loop watches this selector as if it were a socket, and is woken once for everything
that has become ready. Level-triggered, as the loop's: what was not dealt with is reported again.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Final

Callback = Callable[[], None]

_READ: Final = select.EPOLLIN
_WRITE: Final = select.EPOLLOUT
_AT_ONCE: Final = 256
"""Events that are served before the loop has its turn again."""


class Readiness:
    """Callbacks by descriptor: one reader and one writer each."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._readers: dict[int, Callback] = {}
        self._writers: dict[int, Callback] = {}
        self._watched: dict[int, int] = {}
        loop.add_reader(self._epoll.fileno(), self._dispatch)

    def add_reader(self, descriptor: int, callback: Callback) -> None:
        """Call `callback` whenever something can be received, until `remove_reader`."""
        self._readers[descriptor] = callback
        self._watch(descriptor)

    def remove_reader(self, descriptor: int) -> None:
        """End `add_reader`; do so before the socket is closed."""
        self._readers.pop(descriptor, None)
        self._watch(descriptor)

    def add_writer(self, descriptor: int, callback: Callback) -> None:
        """Call `callback` whenever something can be sent, until `remove_writer`."""
        self._writers[descriptor] = callback
        self._watch(descriptor)

    def remove_writer(self, descriptor: int) -> None:
        """End `add_writer`; do so before the socket is closed."""
        self._writers.pop(descriptor, None)
        self._watch(descriptor)

    def close(self) -> None:
        """Report nothing any more. Safe to call twice."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()

    def _watch(self, descriptor: int) -> None:
        """Let the selector know what is waited for now."""
        wanted = _READ * (descriptor in self._readers) | _WRITE * (descriptor in self._writers)
        watched = self._watched.get(descriptor, 0)
        if wanted == watched or self._epoll.closed:
            return
        if not wanted:
            del self._watched[descriptor]
            self._epoll.unregister(descriptor)
            return
        self._watched[descriptor] = wanted
        if watched:
            self._epoll.modify(descriptor, wanted)
        else:
            self._epoll.register(descriptor, wanted)

    def _dispatch(self) -> None:
        """Call whom it concerns.

        An error or a hang-up concerns reader and writer alike: they find out what it is. All are
        looked up first, since one callback may close the socket of another, whose number may at
        once be a new socket's.
        """
        readers, writers = self._readers, self._writers
        due = []
        for descriptor, events in self._epoll.poll(0, _AT_ONCE):
            if events != _WRITE and (reader := readers.get(descriptor)) is not None:
                due.append(reader)
            if events != _READ and (writer := writers.get(descriptor)) is not None:
                due.append(writer)
        for callback in due:
            try:
                callback()
            except Exception as error:
                # One stream's fault must not keep events from the others.
                self._loop.call_exception_handler(
                    {"message": "a socket's callback failed", "exception": error}
                )
