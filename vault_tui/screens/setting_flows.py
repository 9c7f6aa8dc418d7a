"""Giving a setting another value: asked until the worker takes it."""

import json
from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.ask import AskText, Choose
from vault_tui.setting_text import parsed, shown, text_of
from vault_tui.state import Level
from vault_tui.strings import settings as words

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def change_setting(console: "ConsoleApp", one: wire.Setting) -> None:
    """Ask, and change it; what was typed stands there again when the worker refuses it."""
    typed, note = text_of(one.value), ""
    while (given := await _asked(console, one, typed, note)) is not None:
        value = parsed(given, one.default) if given else None
        try:
            done = await console.send_as_operator(calls.change_settings({one.name: value}))
        except VaultError as error:
            if error.code != "bad_request":
                raise
            typed, note = given, str(error)
            continue
        if done is not None:
            _told(console, done.settings, one.name)
        return


def _told(console: "ConsoleApp", settings: list[wire.Setting], name: str) -> None:
    console.state.settings = settings
    console.data_changed("settings")
    value = next(shown(one.value) for one in settings if one.name == name)
    console.notice(words.SET.format(name=name, value=value), Level.GOOD)


async def _asked(console: "ConsoleApp", one: wire.Setting, typed: str, note: str) -> str | None:
    """The new value as text, empty for the default; None when nothing shall be changed."""
    if isinstance(one.default, bool):
        return await console.push_screen_wait(_switch(one))
    text = words.EDIT_LIST_TEXT if isinstance(one.default, list) else words.EDIT_TEXT
    text = text.format(description=one.description, default=shown(one.default))
    ask = AskText(one.name, f"{note}\n\n{text}" if note else text, typed)
    given = await console.push_screen_wait(ask)
    return None if given is None else given.strip()


def _switch(one: wire.Setting) -> Choose:
    """Yes or no; neither is marked, so that Enter alone changes nothing."""
    entries = [
        (json.dumps(value), Content(f" {shown(value):<6}{_note(one, value)}"))
        for value in (True, False)
    ]
    return Choose(f"{one.name}: {one.description}", entries, "", deliberate=True)


def _note(one: wire.Setting, value: bool) -> str:
    said = [words.AS_IT_IS] if value == one.value else []
    return ", ".join([*said, words.USUAL] if value == one.default else said)
