"""Searchable help: every action with its key and what it does; Enter runs the chosen one."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vault_tui import strings
from vault_tui.actions import actions_of, key_text, keys_of
from vault_tui.registry import SCREENS
from vault_tui.screens.base import Dialog


class HelpDialog(Dialog[str]):
    """Returns the id of the action to run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False, priority=True),
        Binding("up", "step(-1)", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(classes="dialog tall")

    def compose(self) -> ComposeResult:
        """Search line, list, and the words used."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings.HELP_TITLE)
            window.border_subtitle = Content(strings.HELP_KEYS)
            yield Input(placeholder=strings.HELP_SEARCH, compact=True, id="search")
            yield OptionList(id="found", markup=False)
            yield Static("", id="sentence", markup=False)
            yield Static(Content(strings.HELP_LEGEND), classes="legend")

    def on_mount(self) -> None:
        """Show everything."""
        self._show("")
        self.query_one("#search").focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        words = wanted.lower().split()
        options: list[Option] = []
        for title, entries in self._sections():
            found = [
                (action_id, line)
                for action_id, line in entries
                if all(word in line.plain.lower() for word in words)
            ]
            if found:
                options.append(Option(Content.styled(f" {title}", "$accent bold"), disabled=True))
                options += [Option(line, id=action_id) for action_id, line in found]
        if not options:
            options = [Option(Content.styled(f" {strings.HELP_NOTHING}", "$muted"), disabled=True)]
        found_list = self.query_one("#found", OptionList)
        found_list.clear_options()
        found_list.add_options(options)
        found_list.action_first()

    def _sections(self) -> list[tuple[str, list[tuple[str, Content]]]]:
        here = self._here()
        screens = [
            (f"screen.{e.id}", _line(str(n), e.title, e.help, None))
            for n, e in enumerate(SCREENS, 1)
        ]
        title = next((e.title for e in SCREENS if e.id == here), "")
        return [
            (title, self._lines(here)),
            (strings.HELP_EVERYWHERE, screens + self._lines("app")),
        ]

    def _lines(self, scope: str) -> list[tuple[str, Content]]:
        app = self.console
        return [
            (
                action.id,
                _line(
                    " ".join(key_text(k) for k in keys_of(action, app.preferences.keymap)),
                    action.label,
                    action.help,
                    app.why_not(action),
                ),
            )
            for action in actions_of(scope)
        ]

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """In full what the line may have cut."""
        helps = {a.id: a.help for a in actions_of(self._here(), "app")}
        helps |= {f"screen.{e.id}": e.help for e in SCREENS}
        sentence = helps.get(event.option_id or "", "")
        self.query_one("#sentence", Static).update(Content(sentence))

    def _here(self) -> str:
        screen = self.console.console_screen
        return screen.screen_id if screen is not None else ""

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    @on(Input.Submitted)
    def _run(self) -> None:
        self.query_one("#found", OptionList).action_select()

    def action_step(self, by: int) -> None:
        """Move in the list while typing goes on."""
        found = self.query_one("#found", OptionList)
        found.action_cursor_down() if by > 0 else found.action_cursor_up()


def _line(keys: str, label: str, help: str, why: str | None) -> Content:
    if why:
        text = strings.NOT_NOW.format(why=why)
        return Content.assemble((f" {keys:>10}  ({label})".ljust(31), "$faint"), (text, "$faint"))
    return Content.assemble(
        (f" {keys:>10}  ", "$accent"), (f"{label:<16}  ", "bold"), (help, "$muted")
    )
