"""A token that was made just now: shown once, with the command line that uses it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from proxy_core.domain import wire
from vault_tui import clipboard
from vault_tui.screens.base import Dialog
from vault_tui.state import Level
from vault_tui.strings import agents as words
from vault_tui.strings import common as strings
from vault_tui.widgets.record_detail import heading
from vault_tui.widgets.words import safe_lines


class TokenDialog(Dialog[None]):
    """The first key only asks for the second, which copies. Escape alone closes it: whoever lets a
    token go by mistake has to rotate it. It leaves this object with the dialog.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "arm('token')", show=False),
        Binding("Y", "copy('token')", show=False),
        Binding("c", "arm('line')", show=False),
        Binding("C", "copy('line')", show=False),
    ]

    def __init__(self, made: wire.AgentCreated, status: wire.Status | None) -> None:
        super().__init__(classes="dialog wide")
        self._name, self._status = made.name, status
        vault = made.vaults[0].vault_name if made.vaults else ""
        proxy = _place(status.proxy if status else "")
        line = words.PROXY_LINE.format(token=made.av_agent_token, vault=vault, proxy=proxy)
        self._texts = {"token": made.av_agent_token, "line": line if vault else ""}
        self._armed = ""

    def compose(self) -> ComposeResult:
        """What is to be kept, how it is used, and which key copies it."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(words.TOKEN_TITLE.format(name=self._name)))
            window.border_subtitle = Content(words.TOKEN_KEYS)
            yield Static(Content.styled(words.TOKEN_TEXT, "$warning"), classes="text")
            with VerticalScroll(classes="value"):
                yield Static(Content.styled(safe_lines(self._texts["token"]), "bold"), id="value")
            yield Static(self._usage(), id="usage", classes="text", markup=False)
            yield Static("", id="armed", markup=False)

    def _usage(self) -> Content:
        if not self._texts["line"]:
            return Content.styled(words.NO_VAULT_NOTE, "$muted")
        api = self._status.api if self._status else ""
        address = api if "://" in api else f"http://{api}"
        return Content("\n").join(
            [
                heading(words.COMMAND_LINE),
                Content(safe_lines(self._texts["line"])),
                Content.assemble(
                    (words.CA_LINE, "$accent"),
                    (f"  {safe_lines(words.CA_NOTE.format(api=address))}", "$muted"),
                ),
            ]
        )

    def action_arm(self, what: str) -> None:
        """The first key."""
        if self._texts[what]:
            self._armed = what
            note = Content.styled(words.ARMED[what], "$accent")
            self.query_one("#armed", Static).update(note)

    async def action_copy(self, what: str) -> None:
        """The second key; as the first one it only arms."""
        if self._armed != what:
            self.action_arm(what)
            return
        sent = await clipboard.copy(self._texts[what], self.app.copy_to_clipboard)
        self.app._clipboard = ""  # Textual keeps a copy for its own paste
        self._armed = ""
        said = strings.COPIED if sent else strings.NOT_COPIED
        self.query_one("#armed", Static).update(Content.styled(said, "$success"))
        self.console.notice(said, Level.GOOD if sent else Level.ERROR)

    def on_unmount(self) -> None:
        """Let the token go."""
        self._texts = {"token": "", "line": ""}


def _place(address: str) -> str:
    """Host and port of an address with or without a scheme."""
    return address.rpartition("://")[2] or "PROXY"
