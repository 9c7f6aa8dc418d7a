"""The console: one application over one worker.

The first paint needs nothing but Textual; the client is imported and the worker asked after it.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar, TypeVar, cast

from textual import events, on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from vault_tui.actions import BY_ID, Action, bindings
from vault_tui.alerts import Alerts
from vault_tui.commands import ActionCommands
from vault_tui.connection import Connection
from vault_tui.global_actions import GlobalActions
from vault_tui.live import Traffic
from vault_tui.preferences import Preferences
from vault_tui.registry import SCREENS
from vault_tui.screens.base import ConsoleScreen, Dialog
from vault_tui.state import ConsoleState, Level, Notice
from vault_tui.strings import common as strings
from vault_tui.strings import gates as gate_words
from vault_tui.sync import WorkerSync
from vault_tui.theme import DEFAULT_THEME, NO_COLOR_THEME, THEMES
from vault_tui.type_ahead import KeyHandled, TypeAhead, Typed
from vault_tui.worker_link import Examine, OpenLink, StartWorker

T = TypeVar("T")
LOUD = frozenset((Level.WARNING, Level.ERROR))
LOUD_SECONDS = 15.0
log = logging.getLogger(__name__)


class ConsoleApp(GlobalActions, App[int]):
    """State, connection and actions; screens draw."""

    CSS_PATH = "console.tcss"
    TITLE = strings.PRODUCT
    MODES: ClassVar[dict[str, Any]] = {entry.id: entry.load for entry in SCREENS}
    DEFAULT_MODE = SCREENS[0].id
    COMMANDS: ClassVar[set[Any]] = {ActionCommands}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("app"),
        *(
            (str(n), f"app.run('screen.{entry.id}')", entry.title)
            for n, entry in enumerate(SCREENS, 1)
        ),
    ]

    def __init__(
        self,
        open_link: OpenLink,
        *,
        read_only: bool = False,
        where: str = "",
        preferences: Preferences | None = None,
        clock: Clock | None = None,
        local: bool = True,
        start_worker: StartWorker | None = None,
        examine: Examine | None = None,
    ) -> None:
        # Textual takes NO_COLOR out of the environment when it starts.
        without_colour = "NO_COLOR" in os.environ
        # Else it makes black of the terminal's own colours, text and ground alike.
        super().__init__(ansi_color=True if without_colour else None)
        self.clock = clock or SystemClock()
        self.state = ConsoleState(read_only=read_only, where=where or socket.gethostname())
        self.preferences = preferences or Preferences()
        self.traffic = Traffic(self.state.vault)
        self.local = local
        self.start_worker = start_worker
        self.examine = examine
        self.sync = WorkerSync(self)
        self.connection = Connection(open_link, self.sync)
        self.type_ahead = TypeAhead(self)
        self.alerts = Alerts(self)
        self._saving = asyncio.Lock()
        self._key_at = 0.0
        for theme in THEMES:
            self.register_theme(theme)
        known = {theme.name for theme in THEMES}
        wanted = self.preferences.theme if self.preferences.theme in known else DEFAULT_THEME
        self.theme = NO_COLOR_THEME if without_colour else wanted

    # --- life ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Reach for the worker once the first frame is on the terminal."""
        self.set_keymap(self.preferences.keymap)
        for problem in self.preferences.problems:
            self.notice(problem, Level.WARNING)
        self.alerts.show_title()
        self.call_after_refresh(self._connect)

    def _connect(self) -> None:
        self.run_worker(self.connection.run(), name="connection", exit_on_error=True)

    async def on_unmount(self) -> None:
        """Let the worker's connections go; the worker stays."""
        await self.connection.close()

    def _fatal_error(self) -> None:
        """Without Textual's traceback: it prints local variables, and those can be secrets."""
        log.critical("the console failed", exc_info=self._exception)
        if not self._exit_renderables:  # one failure often brings another: said once
            self.panic(strings.CRASHED.format(log=self.log_path))

    log_path: ClassVar[str] = ""

    # --- keys ---------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Let keys through one at a time."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            if not self.type_ahead.hold(event):
                await self.deliver(event)
        else:
            await super().on_event(event)

    async def deliver(self, typed: Typed) -> None:
        """Hand a key on, with the mark that says when it has been dealt with."""
        self.alerts.seen()
        self._key_at = self.clock.time()
        await super().on_event(typed)
        if self._running_screens:
            self.type_ahead.follow()

    @on(KeyHandled)
    async def _key_handled(self, mark: KeyHandled) -> None:
        await self.type_ahead.came_back(mark)

    # --- telling ------------------------------------------------------------------------------

    def notice(self, text: str, level: Level = Level.INFO) -> None:
        """Put a sentence on the status line; an error is an alert too.

        What matters is not taken away by what does not, until a key was pressed or it is old.
        """
        safe, present = display_safe(text), self.state.notice
        if level is Level.INFO and present is not None and present.level in LOUD:
            read_until = max(self._key_at, self.clock.time() - LOUD_SECONDS)
            if present.at > read_until:
                return
        self.state.notice = Notice(level, safe, self.clock.time())
        if level is Level.ERROR:
            self.alerts.raise_alert(safe)
        self.refresh_frame()

    def refresh_frame(self) -> None:
        """Tell the present screen that the state has changed."""
        for screen in self.screen_stack if self._running_screens else ():
            if isinstance(screen, ConsoleScreen):
                screen.state_changed()

    @property
    def _running_screens(self) -> bool:
        # While the console leaves, its screens lose their parts one by one.
        return self.is_running and bool(self._screen_stacks.get(self._current_mode))

    def data_changed(self, kind: str) -> None:
        """A list was read afresh: tell every mounted screen and dialog."""
        for stack in self._screen_stacks.values() if self.is_running else ():
            for screen in stack:
                if isinstance(screen, (ConsoleScreen, Dialog)) and screen.is_mounted:
                    screen.data_changed(kind)

    def save_preferences(self) -> None:
        """Write them beside the loop, one after another: a disk may take its time."""
        self.run_worker(self._save_preferences(), name="preferences", exit_on_error=True)

    async def _save_preferences(self) -> None:
        async with self._saving:
            await asyncio.to_thread(self.preferences.save)

    # --- talking to the worker ----------------------------------------------------------------

    async def send(self, call: Call[T]) -> T:
        """Carry a call out. Raises VaultError, no_worker before the first connection."""
        if self.connection.link is None:
            raise VaultError("no_worker", strings.NOT_CONNECTED)
        return await self.connection.link.send(call)

    def keep_session(self, session: wire.OperatorSession | None) -> None:
        """Be an operator by `session`, where no terminal could be unlocked; None: no more."""
        if self.connection.link is not None:
            self.connection.link.keep(session)

    async def send_as_operator(self, call: Call[T]) -> T | None:
        """Carry a call out that needs an operator session, asking for one when there is none.

        None when the operator gave up. Raises VaultError for every other failure.
        """
        try:
            return await self.send(call)
        except VaultError as error:
            if error.code not in {"operator_required", "reauth_required"}:
                raise
        if not await self.unlock():
            return None
        return await self.send(call)

    async def unlock(self, why: str = "") -> bool:
        """Ask for a proof until one is right or the operator gives up."""
        return await self.prove(gate_words.UNLOCK_TITLE, why or gate_words.UNLOCK_TEXT)

    async def prove(self, title: str, text: str) -> bool:
        """Ask for a proof of who is here: a key slot's, or at a worker elsewhere one's password.

        Whether one was right before the operator gave up.
        """
        from vault_tui.screens.unlock import PasswordDialog, ProofDialog

        dialog = ProofDialog(title, text) if self.local else PasswordDialog(title)
        proved = await self.push_screen_wait(cast("Screen[bool]", dialog))
        if proved:
            await self.ask_status()
        return bool(proved)

    async def ask_status(self) -> None:
        """Read the status now, rather than in a few seconds."""
        try:
            await self.connection.ask()
        except VaultError as error:
            log.info("status: %s", error)

    def attempt(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` beside the screen; a VaultError becomes a notice."""
        self.run_worker(self._guarded(work), name=name, exit_on_error=True)

    def attempt_action(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """As `attempt`; keys wait until the action has opened its dialog."""
        self.type_ahead.started(self.run_worker(self._guarded(work), name=name, exit_on_error=True))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except VaultError as error:
            self.notice(f"{error} {error.advice}", Level.ERROR)

    # --- actions ------------------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Why `action` cannot run now; None when it can."""
        if action.changes and self.state.read_only:
            return strings.WHY_READ_ONLY
        if action.changes and self.state.status is None:
            return strings.NOT_CONNECTED
        if action.scope == "app":
            return self.why_not_global(action)
        screen = self.console_screen
        if screen is None or screen.screen_id != action.scope:
            return strings.WHY_OTHER_SCREEN
        if action.changes and self.state.sealed:
            return strings.WHY_SEALED
        return screen.why_not(action)

    @property
    def console_screen(self) -> ConsoleScreen | None:
        """The mode's own screen, below any dialog."""
        stack: list[Screen[Any]] = self._screen_stacks.get(self._current_mode, [])
        return next((s for s in stack if isinstance(s, ConsoleScreen)), None)

    def action_run(self, action_id: str) -> None:
        """Run an action of the registry, or say why it cannot run now."""
        if action_id.startswith("screen."):
            self.switch_mode(action_id.removeprefix("screen."))
            return
        action = BY_ID[action_id]
        why = self.why_not(action)
        if why is not None:
            self.notice(f"{action.label}: {why}", Level.WARNING)
            return
        target: Any = self if action.scope == "app" else self.console_screen
        method: Callable[[], Coroutine[Any, Any, None] | None] = getattr(
            target, f"do_{action.name}"
        )
        outcome = method()
        if outcome is not None:
            self.attempt_action(outcome, action_id)

    def get_system_commands(
        self,
        screen: Screen[Any],  # noqa: ARG002 - given by Textual
    ) -> Iterator[SystemCommand]:
        """None of Textual's own: the registry feeds the palette."""
        return iter(())
