"""The last look before a proposal is carried out: slots to fill, names to type, two buttons."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Static

from proxy_core.domain import wire
from vault_tui.screens.base import Dialog
from vault_tui.screens.secret import SecretInput
from vault_tui.strings import common as strings
from vault_tui.strings import proposals as words
from vault_tui.widgets.fitted import FittedText
from vault_tui.widgets.proposal_detail import look_again
from vault_tui.widgets.proposal_diff import change_lines, risk_lines
from vault_tui.widgets.record_detail import heading
from vault_tui.widgets.words import plain, safe_lines


class ApproveDialog(Dialog[dict[str, str]]):
    """Returns the values of the slots by key, empty for those that keep what is there.

    `given` are values from before, `changes` what has become another since then. Values leave
    this object with the dialog.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("left,right", "other", show=False),
    ]

    def __init__(
        self, found: wire.ReviewedProposal, given: Mapping[str, str], changes: Sequence[str]
    ) -> None:
        if found.review is None:
            raise ValueError("only a proposal that waits can be approved")
        danger = " danger" if found.review.to_type else ""
        super().__init__(classes=f"dialog wide{danger}")
        self._found, self._review, self._changes = found, found.review, changes
        self._given = dict(given)
        self._slots = [
            slot for slot in found.credentials if slot.action == "set" and slot.type == "static"
        ]

    # --- widgets ------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """What would change, what is missing, Cancel and Approve."""
        with Vertical(classes="window") as window:
            title = words.APPROVE_TITLE.format(id=self._found.id, by=self._found.created_by)
            window.border_title = Content(safe_lines(title))
            window.border_subtitle = Content(words.APPROVE_KEYS)
            with VerticalScroll(id="difference", can_focus=False):
                yield FittedText("difference-text")
            with VerticalScroll(id="needs", can_focus=False):
                yield from self._inputs()
            yield Static("", id="sentence", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Content(strings.CANCEL), id="cancel", compact=True)
                kind = "error" if self._review.to_type else "primary"
                label = Content(words.APPROVE_BUTTON)
                yield Button(label, id="approve", variant=kind, compact=True, disabled=True)  # type: ignore[arg-type]  # one of two variants

    def _inputs(self) -> Iterable[Widget]:
        for number, slot in enumerate(self._slots):
            value = SecretInput(f"slot-{number}")
            if slot.key not in self._review.needs_value:
                value.placeholder = words.SLOT_AGENT if slot.has_value else words.SLOT_STAYS
            yield self._line(words.SLOT_NEEDED.format(key=slot.key), value)
        for number, name in enumerate(self._review.to_type):
            typed = Input(placeholder=words.TYPE_HINT, compact=True, id=f"name-{number}")
            yield self._line(words.TYPE_NAME.format(name=name), typed)

    @staticmethod
    def _line(label: str, field: Widget) -> Widget:
        return Horizontal(Label(plain(label)), field, classes="field")

    def on_mount(self) -> None:
        """Start at the first thing to do; on Cancel when there is none."""
        for number, slot in enumerate(self._slots):
            self.query_one(f"#slot-{number}", SecretInput).restore(self._given.get(slot.key, ""))
        self._given.clear()
        first = next(iter(self.query(Input)), None)
        (first if first is not None else self.query_one("#cancel")).focus()
        self._check()
        self._draw()

    @on(FittedText.Refit)
    def _draw(self) -> None:
        text = self.query_one(FittedText)
        width = text.columns
        lines = look_again(self._changes, width) if self._changes else []
        lines += [heading(words.RISKS), *risk_lines(self._review, width), Content("")]
        lines += [heading(words.CHANGES), *change_lines(self._found, self._review, width)]
        text.update(Content("\n").join(lines))

    # --- what is missing ----------------------------------------------------------------------

    def _missing(self) -> list[str]:
        needed = set(self._review.needs_value)
        missing = [
            words.SLOT_NEEDED.format(key=slot.key)
            for number, slot in enumerate(self._slots)
            if slot.key in needed and not self.query_one(f"#slot-{number}", SecretInput).secret
        ]
        return missing + [
            words.TYPE_NAME.format(name=name)
            for number, name in enumerate(self._review.to_type)
            if self.query_one(f"#name-{number}", Input).value != name
        ]

    @on(Input.Changed)
    def _check(self) -> None:
        """Say what is missing; the button works when nothing is."""
        missing = self._missing()
        self.query_one("#approve", Button).disabled = bool(missing)
        text = words.MISSING.format(what=", ".join(missing)) if missing else words.COMPLETE
        style = "$warning" if missing else "$muted"
        self.query_one("#sentence", Static).update(Content.styled(safe_lines(text), style))

    # --- keys ---------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Enter goes on to the next line, and from the last one to the buttons."""
        self.focus_next()

    def action_page(self, by: int) -> None:
        """Read on without leaving the line."""
        difference = self.query_one("#difference", VerticalScroll)
        difference.scroll_relative(y=by * max(difference.size.height - 1, 1), animate=False)

    def action_other(self) -> None:
        """Move between the buttons."""
        here = self.focused.id if self.focused is not None else ""
        other = "approve" if here == "cancel" else "cancel"
        if not self.query_one(f"#{other}", Button).disabled:
            self.query_one(f"#{other}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Hand the values on, or nothing."""
        if event.button.id != "approve" or self._missing():
            self.dismiss(None)
            return
        self.dismiss(
            {
                slot.key: self.query_one(f"#slot-{number}", SecretInput).secret
                for number, slot in enumerate(self._slots)
            }
        )
