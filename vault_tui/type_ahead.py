"""Keys typed ahead reach what is there when it is their turn, not what was there when typed.

Textual hands every waiting key to the widget that has the focus at that moment. After a fast
`Enter` that widget may be the field just left, or the list behind a dialog that is about to open:
a secret would land in a visible field, or its letters would be taken for actions. So one key goes
at a time: a mark follows it through the same queues, and a second one follows what the key set off
there (`Input.Submitted`, say). When that one is back, all of it has run. An action that opens a
dialog is waited for too, for a moment.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import Worker

from vault_tui.screens.base import ConsoleScreen

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

HOLD_SECONDS = 1.0
"""No key waits longer, whatever became of the one before it."""
_LOOK_SECONDS = 0.01

Typed = events.Key | events.Paste


class KeyHandled(Message):
    """The mark that follows the key of that number; `again`: it has another round to go."""

    def __init__(self, number: int, target: MessagePump, again: bool) -> None:
        super().__init__()
        self.number, self.target, self.again = number, target, again


class TypeAhead:
    """`hold`, then the key itself, then `follow`; `came_back` gives the next key to `deliver`."""

    def __init__(self, app: "ConsoleApp") -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._number = 0
        self._busy = False
        self._action: Worker[None] | None = None
        self._seen: Screen[Any] | None = None

    def hold(self, typed: Typed) -> bool:
        """Whether `typed` has to wait, and is kept for later."""
        if self._busy:
            self._waiting.append(typed)
        return self._busy

    def follow(self) -> None:
        """A key is on its way: send the mark after it."""
        self._number += 1
        self._busy = True
        number = self._number
        target = self._app.focused or self._app.screen
        target.post_message(KeyHandled(number, target, again=True))
        self._app.set_timer(HOLD_SECONDS, lambda: self._give_up(number))

    def started(self, action: Worker[None]) -> None:
        """An action runs that may open a dialog."""
        self._action = action

    async def came_back(self, mark: KeyHandled) -> None:
        """A mark has reached the application."""
        if not mark.again:
            await self._handled(mark.number)
        elif not mark.target.post_message(KeyHandled(mark.number, mark.target, again=False)):
            await self._handled(mark.number)  # the key took its own target away

    async def _handled(self, number: int) -> None:
        if number != self._number or not self._busy:
            return
        if self._opening:
            self._app.set_timer(_LOOK_SECONDS, lambda: self._handled(number))
        else:
            await self._next()

    async def _give_up(self, number: int) -> None:
        if number == self._number and self._busy and self._app.is_running:
            await self._next()

    @property
    def _opening(self) -> bool:
        """Whether an action has still to open its dialog, or to end without one."""
        if self._action is None or self._action.is_finished:
            self._action = None
            return False
        if not self._app.screen_stack:  # the application is ending
            return False
        top = self._app.screen
        if isinstance(top, ConsoleScreen) or not top.is_mounted:
            return True
        # The focus that a screen asks for when it is mounted is set one turn later.
        fresh, self._seen = top is not self._seen, top
        return fresh

    async def _next(self) -> None:
        self._busy = False
        while self._waiting and not self._busy:
            await self._app.deliver(self._waiting.popleft())
