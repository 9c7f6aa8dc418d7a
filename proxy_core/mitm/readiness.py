"""Which sockets are ready: one selector for all streams.

It is the loop's own where that lends it (`loop.py`). Any other loop watches a second one as if it
were a socket, and is woken once for everything that has become ready. Level-triggered, as the
loop's: what was not dealt with is reported again.
"""

import asyncio
import contextlib
import select
from collections.abc import Callable
from typing import Final

from proxy_core.mitm.loop import AT_ONCE, Events, lent_by, serve_none

Callback = Callable[[], None]

_READ: Final = select.EPOLLIN
_WRITE: Final = select.EPOLLOUT


class Readiness:
    """Callbacks by descriptor: one reader and one writer each."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._readers: dict[int, Callback] = {}
        self._writers: dict[int, Callback] = {}
        self._watched: dict[int, int] = {}
        self._closed = False
        self._lender = lent_by(loop)
        if self._lender is not None:
            self._epoll = self._lender.epoll
            self._lender.serve = self._serve
        else:
            self._epoll = select.epoll()
            loop.add_reader(self._epoll.fileno(), self._poll)

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
        if self._closed:
            return
        self._closed = True
        if self._lender is None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            return
        self._lender.serve = serve_none
        for descriptor in self._watched:
            with contextlib.suppress(OSError):  # a socket that was closed has left by itself
                self._epoll.unregister(descriptor)

    def _watch(self, descriptor: int) -> None:
        """Let the selector know what is waited for now."""
        wanted = _READ * (descriptor in self._readers) | _WRITE * (descriptor in self._writers)
        watched = self._watched.get(descriptor, 0)
        if wanted == watched or self._closed:
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

    def _poll(self) -> None:
        self._serve(self._epoll.poll(0, AT_ONCE))

    def _serve(self, events: Events) -> Events:
        """Call whom it concerns; the events that concern nobody here.

        An error or a hang-up concerns reader and writer alike: they find out what it is. All are
        looked up first, since one callback may close the socket of another, whose number may at
        once be a new socket's.
        """
        readers, writers = self._readers, self._writers
        due, others = [], []
        for event in events:
            descriptor, ready = event
            if descriptor not in self._watched:
                others.append(event)
                continue
            if ready != _WRITE and (reader := readers.get(descriptor)) is not None:
                due.append(reader)
            if ready != _READ and (writer := writers.get(descriptor)) is not None:
                due.append(writer)
        for callback in due:
            try:
                callback()
            except Exception as error:
                # One stream's fault must not keep events from the others.
                self._loop.call_exception_handler(
                    {"message": "a socket's callback failed", "exception": error}
                )
        return others
