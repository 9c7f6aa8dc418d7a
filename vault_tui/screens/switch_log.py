"""The choices of every pool, newest first, with their reasons, and the next one."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from proxy_core.domain.wire import PoolChoices
from vault_tui.screens.base import Dialog
from vault_tui.strings import accounts as words
from vault_tui.strings.common import SCROLL_KEYS
from vault_tui.widgets.account_detail import choice_line
from vault_tui.widgets.words import plain


class SwitchLog(Dialog[None]):
    """What was chosen when, and why; kept up to date while it is open."""

    def __init__(self, pools: Sequence[PoolChoices]) -> None:
        super().__init__(classes="dialog tall")
        self._pools = pools

    def compose(self) -> ComposeResult:
        """One text that scrolls."""
        with Vertical(classes="window") as window:
            window.border_title = Content(words.SWITCH_LOG_TITLE)
            window.border_subtitle = Content(SCROLL_KEYS)
            with VerticalScroll(id="log"):
                yield Static(self._text(), id="log-text", markup=False)

    def on_mount(self) -> None:
        """Arrows scroll."""
        self.query_one("#log").focus()

    def data_changed(self, kind: str) -> None:
        """Another choice was made."""
        if kind == "accounts":
            self._pools = self.console.state.choices
            self.query_one("#log-text", Static).update(self._text())

    def _text(self) -> Content:
        lines: list[Content] = []
        for pool in self._pools:
            sentence = words.WOULD_CHOOSE if pool.next else words.WOULD_CHOOSE_NONE
            said = sentence.format(pool=pool.key, account=pool.next, reason=pool.reason)
            lines += [plain(said, "$accent bold" if pool.next else "$error bold")]
            lines += [choice_line(choice) for choice in pool.latest]
            lines += [Content("")]
        return Content("\n").join(lines or [Content.styled(words.SWITCH_LOG_NONE, "$muted")])
