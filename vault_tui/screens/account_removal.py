"""Removing an account, and bringing one back for as long as it is kept."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.state import Level
from vault_tui.strings import accounts as words
from vault_tui.widgets.words import plain, when

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def remove_account(console: "ConsoleApp", account: wire.AccountInfo) -> None:
    """Ask, then remove it."""
    pools = words.REMOVE_POOLS.format(pools=", ".join(account.pools)) if account.pools else ""
    name = account.nickname or account.email
    title = words.REMOVE_TITLE.format(name=name)
    text, button = words.REMOVE_TEXT.format(pools=pools), words.REMOVE_BUTTON.format(name=name)
    if not await console.push_screen_wait(Confirm(title, text, button)):
        return
    call = calls.remove_account(account.id, console.state.vault)
    removed = await console.send_as_operator(call)
    if removed is not None:
        until = when(removed.restorable_until)
        said = words.REMOVED.format(name=removed.name, until=until)
        console.notice(said, Level.WARNING)
        console.sync.reload("accounts")


async def choose_removed(console: "ConsoleApp") -> str | None:
    """The id of the removed account that shall come back; None for none."""
    call = calls.accounts(console.state.vault, removed=True)
    removed = (await console.send(call)).accounts
    entries = [(account.id, _removed_line(account)) for account in removed]
    return await console.push_screen_wait(Choose(words.RESTORE_TITLE, entries, words.RESTORE_NONE))


def _removed_line(account: wire.AccountInfo) -> Content:
    return Content.assemble(
        plain(f" {account.nickname}  ", "bold", 54),
        plain(f"{account.email}  ", "$muted", 60),
        (words.RESTORE_LINE.format(when=when(account.removed_at or "")), "$muted"),
    )
