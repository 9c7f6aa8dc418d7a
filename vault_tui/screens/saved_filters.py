"""Filters by name: choosing one, or saving the present one."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.base.text import display_safe
from proxy_core.domain.filters import Filter, FilterError, parse_filter
from vault_tui.screens.ask import AskText, Choose
from vault_tui.state import Level
from vault_tui.strings import traffic as strings_traffic
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

MAX_NAME = 20


async def choose_filter(console: "ConsoleApp", present: str) -> tuple[str, Filter] | None:
    """The text and meaning of the saved filter that was chosen; None also when `present` was
    saved instead."""
    saved = console.preferences.saved_filters
    entries = [
        (name, Content.assemble((f" {name:<{MAX_NAME}} ", "bold"), plain(text, "$muted")))
        for name, text in saved.items()
    ]
    if present:
        entries.insert(0, ("", Content.styled(f" {strings_traffic.SAVE_THIS}", "$accent")))
    choose = Choose(strings_traffic.SAVED_TITLE, entries, strings_traffic.SAVED_NONE)
    chosen = await console.push_screen_wait(choose)
    if chosen == "":
        await _save(console, present)
    elif chosen is not None:
        try:
            return saved[chosen], parse_filter(saved[chosen])
        except FilterError as error:
            console.notice(error.message, Level.ERROR)
    return None


async def _save(console: "ConsoleApp", text: str) -> None:
    name = await console.push_screen_wait(AskText(strings_traffic.SAVE_TITLE, text))
    if name and name.strip():
        console.preferences.saved_filters[display_safe(name.strip(), MAX_NAME)] = text
        console.save_preferences()
