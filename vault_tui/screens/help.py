"""Searchable help: every action with its key and what it does; Enter runs the chosen one."""

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vault_tui.actions import actions_of, key_text, keys_of
from vault_tui.registry import SCREENS
from vault_tui.screens.searching import SearchDialog, has_all
from vault_tui.strings import common as strings


class HelpDialog(SearchDialog):
    """Returns the id of the action to run."""

    HEADING = strings.HELP_TITLE
    KEYS = strings.HELP_KEYS
    PLACEHOLDER = strings.HELP_SEARCH

    def below(self) -> ComposeResult:
        """The highlighted action's sentence, and the glyphs used."""
        yield Static("", id="sentence", markup=False)
        yield Static(Content(strings.HELP_LEGEND), classes="legend")

    def options(self, words: Sequence[str]) -> list[Option]:
        """The actions by section."""
        found = list(self._found(words))
        return found or [
            Option(Content.styled(f" {strings.HELP_NOTHING}", "$muted"), disabled=True)
        ]

    def _found(self, words: Sequence[str]) -> Iterator[Option]:
        for title, entries in self._sections():
            found = [(id_, line) for id_, line in entries if has_all(line.plain, words)]
            if found:
                yield Option(Content.styled(f" {title}", "$accent bold"), disabled=True)
            for action_id, line in found:
                yield Option(line, id=action_id)

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


def _line(keys: str, label: str, help: str, why: str | None) -> Content:
    if why:
        text = strings.NOT_NOW.format(why=why)
        return Content.assemble((f" {keys:>10}  ({label})".ljust(31), "$faint"), (text, "$faint"))
    return Content.assemble(
        (f" {keys:>10}  ", "$accent"), (f"{label:<16}  ", "bold"), (help, "$muted")
    )
