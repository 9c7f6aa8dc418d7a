"""Connecting a vault to an external store, reading it now, and disconnecting it."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain.wire import SetSource, SourceInfo
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.source_form import SourceForm
from vault_tui.state import Level
from vault_tui.strings import sources as words

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_TO_CORRECT = frozenset(("bad_request", "conflict"))
_POLL, _AGAIN, _REMOVE = "poll", "again", "remove"


async def source_menu(console: "ConsoleApp") -> None:
    """Connect the vault; one that is connected: ask what to do with its store."""
    if not console.state.store:
        if console.state.credentials:
            console.notice(words.WHY_NOT_EMPTY, Level.WARNING)
        else:
            await _connect(console)
        return
    title = words.TITLE.format(vault=console.state.vault)
    ways = ((_POLL, words.POLL), (_AGAIN, words.AGAIN), (_REMOVE, words.REMOVE))
    entries = [(way, Content(f" {text}")) for way, text in ways]
    chosen = await console.push_screen_wait(Choose(title, entries, "", deliberate=True))
    if chosen == _POLL:
        await poll_source(console)
    elif chosen == _AGAIN:
        await _connect(console)
    elif chosen == _REMOVE:
        await _disconnect(console)


async def poll_source(console: "ConsoleApp") -> None:
    """Read the store now, and say how that went."""
    done = await console.send_as_operator(calls.poll_source(console.state.vault))
    if done is not None:
        _say(console, done)


async def _connect(console: "ConsoleApp") -> None:
    vault, start, note = console.state.vault, None, ""
    while True:
        form = SourceForm(vault, start, note)
        wanted: SetSource | None = await console.push_screen_wait(form)
        if wanted is None:
            return
        try:
            done = await console.send_as_operator(calls.set_source(vault, wanted))
        except VaultError as error:
            if error.code not in _TO_CORRECT:
                raise
            start, note = wanted, str(error)
            continue
        if done is not None:
            _say(console, done)
        return


async def _disconnect(console: "ConsoleApp") -> None:
    vault, source = console.state.vault, console.state.source
    place = display_safe(source.place, 200) if source is not None else console.state.store
    question = Confirm(
        words.REMOVE_TITLE.format(vault=vault),
        words.REMOVE_TEXT.format(place=place),
        words.REMOVE_BUTTON,
    )
    if not await console.push_screen_wait(question):
        return
    if await console.send_as_operator(calls.remove_source(vault)) is not None:
        console.notice(words.REMOVED.format(vault=vault), Level.WARNING)
        _reload(console)


def _say(console: "ConsoleApp", done: SourceInfo) -> None:
    vault = display_safe(done.vault, 60)
    if done.last_error:
        error = display_safe(done.last_error, 200)
        console.notice(words.READ_BADLY.format(vault=vault, error=error), Level.ERROR)
    elif done.skipped:
        names = ", ".join(display_safe(name, 64) for name in done.skipped)
        console.notice(words.SKIPPED_NAMES.format(names=names), Level.WARNING)
    else:
        console.notice(words.READ_WELL.format(vault=vault), Level.GOOD)
    _reload(console)


def _reload(console: "ConsoleApp") -> None:
    console.sync.reload("vaults")
    console.sync.reload("credentials")
