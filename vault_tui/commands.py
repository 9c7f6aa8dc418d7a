"""The palette's entries: every action and screen of the registry, vaults and saved filters."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from vault_tui.actions import actions_of, key_text
from vault_tui.registry import SCREENS
from vault_tui.strings import common as strings
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

Entry = tuple[str, str, Callable[[], object]]


class ActionCommands(Provider):
    """What can be done from the present screen, with its key and its help."""

    @property
    def _console(self) -> "ConsoleApp":
        return cast("ConsoleApp", self.app)

    def _entries(self) -> Iterator[Entry]:
        app = self._console
        here = app.console_screen.screen_id if app.console_screen else ""
        for number, entry in enumerate(SCREENS, 1):
            text = f"{strings.GO_TO} {entry.title}"
            yield text, f"{number}  {entry.help}", partial(app.action_run, f"screen.{entry.id}")
        for action in (*actions_of(here), *actions_of("app")):
            if action.id == "app.palette":
                continue
            why = app.why_not(action)
            key = f"{key_text(action.keys[0])}  " if action.keys else ""
            note = strings.NOT_NOW.format(why=why) if why else action.help
            yield action.label.capitalize(), f"{key}{note}", partial(app.action_run, action.id)
        for vault in app.state.vaults:
            if vault.name != app.state.vault:
                name = plain(vault.name, limit=40).plain
                yield f"{strings.SWITCH_TO} {name}", "", partial(app.switch_vault, vault.name)

    async def discover(self) -> Hits:
        """Everything, in the registry's order."""
        for text, note, run in self._entries():
            yield DiscoveryHit(Content(text), run, text=text, help=note)

    async def search(self, query: str) -> Hits:
        """What matches, best first; the help counts too."""
        matcher = self.matcher(query)
        for text, note, run in self._entries():
            score = matcher.match(f"{text} {note}")
            if score > 0:
                yield Hit(score, Content(text), run, text=text, help=note)
