"""A question before what cannot be undone: answered by typing the name of what will go."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from vault_tui.screens.base import Dialog
from vault_tui.strings import settings as words
from vault_tui.widgets.words import safe_lines


class TypedConfirm(Dialog[bool]):
    """True once `word` was typed as it stands; `verb` is what Enter then does."""

    def __init__(self, title: str, text: str, word: str, verb: str) -> None:
        super().__init__(classes="dialog danger")
        self._title_text, self._text, self._word, self._verb = title, text, word, verb

    def compose(self) -> ComposeResult:
        """The question, its consequences, the line."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(self._title_text))
            window.border_subtitle = Content(words.TYPED_KEYS.format(verb=self._verb))
            yield Static(Content(safe_lines(self._text)), classes="text")
            asked = words.TYPE_IT.format(word=self._word)
            yield Static(Content.styled(safe_lines(asked), "$warning"))
            yield Input(compact=True)
            yield Static("", id="complaint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._word:
            self.dismiss(True)
        else:
            said = safe_lines(words.TYPED_WRONG.format(word=self._word))
            self.query_one("#complaint", Static).update(Content.styled(said, "$error"))
