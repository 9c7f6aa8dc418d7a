"""An event loop whose selector calls the data path itself.

A loop's selector makes an event into a key, a handle, a context and an entry in a queue. For what
`serve` knows it is one call here, before the loop has its turn. All else is the standard loop's.
"""

import asyncio
import os
import select
import selectors
from collections.abc import Callable
from typing import Final

Events = list[tuple[int, int]]
"""Descriptors, and the bits of what is ready there."""

AT_ONCE: Final = 256
"""Events that are served before the loop has its turn again."""


def serve_none(events: Events) -> Events:
    """All events are the loop's own."""
    return events


class ServingSelector(selectors.EpollSelector):
    """`serve` deals with its descriptors' events, and answers with the others."""

    def __init__(self) -> None:
        super().__init__()
        self.serve: Callable[[Events], Events] = serve_none
        # The same one under another number: closing this leaves the selector its own.
        self.epoll = select.epoll.fromfd(os.dup(self.fileno()))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready for the loop, when everything else has been dealt with."""
        # A timeout below a millisecond is rounded up.
        events = self.epoll.poll(timeout if timeout is None or timeout > 0 else 0, AT_ONCE)
        others = self.serve(events)
        if not others:
            return []
        keys = self.get_map()
        # Looked up now: a call may have taken some back.
        return [
            (keys[descriptor], _meaning(bits) & keys[descriptor].events)
            for descriptor, bits in others
            if descriptor in keys
        ]

    def close(self) -> None:
        """Close both numbers."""
        self.epoll.close()
        super().close()


class DataPathLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner`: the loop of a worker."""

    def __init__(self) -> None:
        self.selector = ServingSelector()
        super().__init__(self.selector)


def lent_by(loop: asyncio.AbstractEventLoop) -> ServingSelector | None:
    """The selector of a loop that lends it, and has lent it to nobody else."""
    selector = loop.selector if isinstance(loop, DataPathLoop) else None
    return selector if selector is not None and selector.serve is serve_none else None


def _meaning(bits: int) -> int:
    """An error or a hang-up concerns reader and writer alike: they find out what it is."""
    reads = selectors.EVENT_READ if bits & ~select.EPOLLOUT else 0
    return reads | (selectors.EVENT_WRITE if bits & ~select.EPOLLIN else 0)
