"""A worker that has gone: started again when it died, offered when somebody stopped it."""

import logging
from typing import TYPE_CHECKING

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import Event
from vault_tui.actions import BY_ID, key_text, keys_of
from vault_tui.state import Level, Link
from vault_tui.strings import common as strings

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

log = logging.getLogger(__name__)
# A supervisor may have its own worker back within this time, and then it is the one to use.
GRACE_SECONDS = 1.0
# One that dies sooner than this after its start would die again.
SETTLED_SECONDS = 60.0


class Revival:
    """Only for this machine's worker; a console of a remote one waits."""

    def __init__(self, app: "ConsoleApp") -> None:
        self._app = app
        self._on_purpose = False
        self._revived_at: float | None = None

    @property
    def possible(self) -> bool:
        """Whether the worker has gone and a new one can be started from here."""
        app = self._app
        return (
            app.start_worker is not None and app.state.link is Link.LOST and not app.state.read_only
        )

    def announced(self, event: Event) -> None:
        """The worker says that it is stopping; a failure is no purpose."""
        data = event.data if isinstance(event.data, dict) else {}
        self._on_purpose = data.get("by") != "failure"

    def alive(self) -> None:
        """A worker answers."""
        self._on_purpose = False

    def gone(self, lost: str) -> None:
        """The connection broke, as the sentence `lost` says: say what comes next."""
        app = self._app
        if not self.possible:
            app.notice(lost, Level.ERROR)
            return
        key = key_text(keys_of(BY_ID["app.start"], app.preferences.keymap)[0])
        if self._on_purpose:
            app.notice(strings.STOPPED.format(key=key), Level.ERROR)
        elif self._revived_lately:
            app.notice(strings.DIED_AGAIN.format(key=key), Level.ERROR)
        else:
            app.notice(lost, Level.ERROR)
            app.set_timer(GRACE_SECONDS, self._revive)

    @property
    def _revived_lately(self) -> bool:
        at = self._revived_at
        return at is not None and self._app.clock.monotonic() - at < SETTLED_SECONDS

    def _revive(self) -> None:
        if self.possible:
            self._app.notice(strings.REVIVING, Level.WARNING)
            self._app.attempt(self.start(), "start worker")

    async def start(self) -> None:
        """Start a worker; the connection finds it by itself. Raises VaultError."""
        if self._app.start_worker is None:
            raise VaultError("no_worker", strings.WHY_RUNS)
        self._revived_at = self._app.clock.monotonic()
        log.info("starting a worker")
        status = self._app.state.status
        # As the last worker was started, on its ports: there the agents look for it.
        await self._app.start_worker([] if status is None else status.options)
