"""What makes itself heard: the bell, the title's mark, a toast, and the desktop if asked to."""

import os
from typing import TYPE_CHECKING

from textual.notifications import SeverityLevel

from proxy_core.base.text import display_safe
from vault_tui.strings import common as strings

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

TOAST_SECONDS = 8.0
_NOTIFICATION_LIMIT = 200


class Alerts:
    """The title carries a mark from an alert until the next key: then somebody has seen it."""

    def __init__(self, app: "ConsoleApp") -> None:
        self._app = app
        self.unseen = False

    def raise_alert(self, text: str, severity: SeverityLevel = "error") -> None:
        """Tell of an error, or of what waits for an answer. `text` is safe to show."""
        self._app.bell()
        self._app.notify(text, severity=severity, timeout=TOAST_SECONDS, markup=False)
        self._to_desktop(text)
        if not self.unseen:
            self.unseen = True
            self.show_title()

    def seen(self) -> None:
        """A key was pressed."""
        if self.unseen:
            self.unseen = False
            self.show_title()

    @property
    def title(self) -> str:
        """Product, vault, and a mark while something wants attention."""
        mark = "! " if self.unseen else ""
        return f"{mark}{strings.PRODUCT} · {display_safe(self._app.state.vault, 40)}"

    def show_title(self) -> None:
        """Put the title on the terminal."""
        self._write(f"\x1b]2;{self.title}\x07")

    def _to_desktop(self, text: str) -> None:
        kind, short = self._app.preferences.notifications, display_safe(text, _NOTIFICATION_LIMIT)
        if kind == "osc9":
            self._write(_through_tmux(f"\x1b]9;{short}\x07"))
        elif kind == "osc777":
            words = short.replace(";", ",")
            self._write(_through_tmux(f"\x1b]777;notify;{strings.PRODUCT};{words}\x07"))

    def _write(self, sequence: str) -> None:
        driver = self._app._driver
        if driver is not None and not self._app.is_headless:
            driver.write(sequence)


def _through_tmux(sequence: str) -> str:
    """Wrapped so that tmux hands it on (with `allow-passthrough`), where tmux is in between."""
    if "TMUX" not in os.environ:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
