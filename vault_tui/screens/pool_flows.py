"""Making, changing and deleting pools."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.client import calls
from proxy_core.domain.wire import PoolInfo
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.pool_form import PoolDraft, PoolForm
from vault_tui.state import Level
from vault_tui.strings import accounts as words
from vault_tui.strings import common as strings
from vault_tui.strings import sources as strings_sources
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_NEW = ""


async def edit_pools(console: "ConsoleApp") -> None:
    """Choose a pool, or a new one, and carry out what its form says."""
    state = console.state
    entries = [(pool.key, _line(pool)) for pool in state.pools]
    entries.append((_NEW, Content.styled(f" {words.POOL_NEW}", "$accent")))
    chosen = await console.push_screen_wait(Choose(words.POOLS_TITLE, entries, ""))
    if chosen is None:
        return
    if state.read_only:
        console.notice(strings.WHY_READ_ONLY, Level.WARNING)
        return
    if state.store:
        console.notice(strings_sources.WHY_BACKED, Level.WARNING)
        return
    if not state.accounts:
        console.notice(words.POOL_NO_ACCOUNTS, Level.WARNING)
        return
    pool = next((pool for pool in state.pools if pool.key == chosen), None)
    draft = await console.push_screen_wait(PoolForm(pool, state.accounts))
    if draft is None:
        return
    if draft.delete:
        await _delete(console, draft.key)
    else:
        await _save(console, pool, draft)


async def _save(console: "ConsoleApp", pool: PoolInfo | None, draft: PoolDraft) -> None:
    """Members that stay keep their place; new ones join at the end."""
    vault = console.state.vault
    if pool is None:
        call = calls.create_pool(
            draft.key, draft.members, vault, strategy=draft.strategy, settings=draft.settings
        )
    else:
        call = calls.change_pool(draft.key, vault, strategy=draft.strategy, settings=draft.settings)
    if await console.send_as_operator(call) is None:
        return
    if pool is not None:
        await _move_members(console, pool, draft)
    for account_id, priority in draft.priorities:
        await console.send(calls.change_account(account_id, vault, priority=priority))
    console.notice(words.POOL_SAVED.format(key=draft.key), Level.GOOD)
    console.sync.reload("accounts")


async def _move_members(console: "ConsoleApp", pool: PoolInfo, draft: PoolDraft) -> None:
    vault = console.state.vault
    names = {account.nickname: account.id for account in console.state.accounts or ()}
    present = {names.get(name, name) for name in pool.accounts}
    joining = [one for one in draft.members if one not in present]
    if joining:
        await console.send(calls.add_to_pool(pool.key, joining, vault))
    for leaving in sorted(present - set(draft.members)):
        await console.send(calls.remove_from_pool(pool.key, leaving, vault))


async def _delete(console: "ConsoleApp", key: str) -> None:
    title = words.POOL_DELETE_TITLE.format(key=key)
    text = words.POOL_DELETE_TEXT.format(key=key)
    button = words.POOL_DELETE_BUTTON.format(key=key)
    if not await console.push_screen_wait(Confirm(title, text, button)):
        return
    if await console.send_as_operator(calls.delete_pool(key, console.state.vault)) is not None:
        console.notice(words.POOL_DELETED.format(key=key), Level.WARNING)
        console.sync.reload("accounts")


def _line(pool: PoolInfo) -> Content:
    facts = words.POOL_LIST_LINE.format(strategy=pool.strategy, count=len(pool.accounts))
    return Content.assemble(
        plain(f" {pool.key}  ", "bold", 60),
        plain(f"{facts}  "),
        plain(", ".join(pool.accounts), "$muted"),
    )
