"""The actions that work on every screen, and the screens that stand before all others."""

from typing import TYPE_CHECKING, Any, cast

from proxy_core.client import calls
from vault_tui.actions import Action
from vault_tui.preferences import NOTIFICATIONS
from vault_tui.state import Level, Link
from vault_tui.strings import common as strings
from vault_tui.strings import doctor as strings_doctor
from vault_tui.strings import remote as strings_remote
from vault_tui.theme import THEMES

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


class GlobalActions:
    """Mixed into ConsoleApp."""

    _gate: Any = None

    @property
    def _app(self) -> "ConsoleApp":
        return cast("ConsoleApp", self)

    def why_not_global(self, action: Action) -> str | None:
        """Why an action of scope `app` cannot run now."""
        state = self._app.state
        if action.id in {"app.lock", "app.unlock"} and state.read_only:
            return strings.WHY_READ_ONLY
        if action.id in {"app.lock", "app.unlock"} and not self._app.local:
            return strings_remote.WHY_SIGNED_IN
        if action.id == "app.doctor" and self._app.examine is None:
            return strings_doctor.WHY_NOT_HERE
        if action.id == "app.start":
            return None if self._app.sync.revival.possible else strings.WHY_RUNS
        if action.id in {"app.seal", "app.lock", "app.unlock"}:
            if state.status is None or state.link is not Link.LIVE:
                return strings.NOT_CONNECTED
            if state.sealed:
                return strings.WHY_SEALED
        return None

    # --- actions ------------------------------------------------------------------------------

    def do_help(self) -> None:
        """Search the actions, run one."""
        from vault_tui.screens.help import HelpDialog

        self._app.push_screen(HelpDialog(), self._run_chosen)

    def _run_chosen(self, action_id: str | None) -> None:
        if action_id:
            self._app.action_run(action_id)

    def do_palette(self) -> None:
        """Textual's palette, fed by the registry."""
        self._app.action_command_palette()

    def do_command(self) -> None:
        """The `:` line."""
        from vault_tui.screens.command_line import CommandLine

        self._app.push_screen(CommandLine(), self._run_chosen)

    def do_jump(self) -> None:
        """Letters over the widgets that can be focused."""
        from vault_tui.screens.jump import JumpScreen, targets_of

        targets = targets_of(self._app.screen)
        if targets:
            self._app.push_screen(JumpScreen(targets))
        else:
            self._app.notice(strings.NOTHING_TO_FOCUS)

    async def do_vault(self) -> None:
        """Choose another vault."""
        from vault_tui.screens.vaults import VaultDialog

        chosen = await self._app.push_screen_wait(VaultDialog())
        if chosen:
            self.switch_vault(chosen)

    def switch_vault(self, name: str) -> None:
        """Look at another vault: everything shown is its own."""
        app = self._app
        if name == app.state.vault:
            return
        app.state.vault = name
        app.state.credentials = app.state.services = app.state.accounts = None
        app.state.proposals = None
        app.state.sessions = []
        app.state.source = None
        app.traffic.switch(name)
        app.alerts.show_title()
        app.data_changed("vault")
        app.sync.reload("all")
        app.attempt(app.sync.backfill(), "backfill")
        app.notice(strings.VAULT_SWITCHED.format(name=name))

    def show_service(self, name: str) -> None:
        """Go to a service on its screen."""
        from vault_tui.screens.services import ServicesScreen

        app = self._app
        app.switch_mode("services")
        screen = app.console_screen
        if isinstance(screen, ServicesScreen):
            screen.go_to(name)

    async def do_unlock(self) -> None:
        """Get an operator session."""
        if await self._app.unlock():
            self._app.notice(strings.UNLOCKED, Level.GOOD)

    async def do_lock(self) -> None:
        """End this terminal's operator session."""
        await self._app.send(calls.lock())
        self._app.keep_session(None)
        await self._app.ask_status()
        self._app.notice(strings.LOCKED_NOW)

    async def do_seal(self) -> None:
        """Forget the key, after a confirmation."""
        from vault_tui.screens.confirm import Confirm

        sure = Confirm(strings.SEAL_TITLE, strings.SEAL_TEXT, strings.SEAL_BUTTON)
        if await self._app.push_screen_wait(sure):
            await self._app.send_as_operator(calls.seal())
            await self._app.ask_status()

    def do_doctor(self) -> None:
        """What is wrong, and how to mend it."""
        from vault_tui.screens.doctor import DoctorBoard

        if self._app.examine is not None:
            self._app.push_screen(DoctorBoard(self._app.examine))

    def do_theme(self) -> None:
        """The next theme."""
        app = self._app
        names = [theme.name for theme in THEMES]
        here = names.index(app.theme) if app.theme in names else -1
        app.theme = names[(here + 1) % len(names)]
        app.preferences.theme = app.theme
        app.preferences.save()
        app.notice(strings.THEME_NOW.format(name=app.theme))

    def do_slow(self) -> None:
        """Slow-link mode on or off."""
        state = self._app.state
        state.slow = not state.slow_link
        self._app.notice(strings.SLOW_ON if state.slow else strings.SLOW_OFF)

    def do_notify(self) -> None:
        """The next way to tell of errors outside the window."""
        preferences = self._app.preferences
        here = NOTIFICATIONS.index(preferences.notifications)
        preferences.notifications = NOTIFICATIONS[(here + 1) % len(NOTIFICATIONS)]
        preferences.save()
        self._app.notice(strings.NOTIFY_NOW[preferences.notifications])

    async def do_start(self) -> None:
        """Start a worker in place of the one that has gone."""
        await self._app.sync.revival.start()

    def do_reload(self) -> None:
        """Read every list again."""
        self._app.sync.reload("all")

    def do_quit(self) -> None:
        """Leave; the worker stays."""
        self._app.exit(0)

    # --- gates --------------------------------------------------------------------------------

    def check_gate(self) -> None:
        """Show first-run or unseal while the vault cannot be used, and take it away after."""
        app, status = self._app, self._app.state.status
        if status is None or app.state.read_only:
            return
        from vault_tui.screens.gates import FirstRun, Gate, Unseal

        wanted = FirstRun if not status.initialized else Unseal if status.sealed else None
        present = self._gate if self._gate is not None and self._gate.is_attached else None
        if present is not None and wanted is not None and isinstance(present, wanted):
            present.status_changed()
            return
        if present is not None:
            cast("Gate", present).close_gate()
        self._gate = None
        if wanted is not None:
            self._gate = wanted()
            app.push_screen(self._gate)
