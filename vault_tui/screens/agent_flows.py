"""What is done with agents and sessions, step by step."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.agent_form import AgentForm, GrantForm, NewAgent
from vault_tui.screens.agent_token import TokenDialog
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.state import Level
from vault_tui.strings import agents as words
from vault_tui.widgets.agent_words import Holder, grant_line, holder_name
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_TO_CORRECT = frozenset(("bad_request", "conflict", "vault_not_found"))
"""What the worker says to a form that can be mended in it."""


async def create_agent(console: "ConsoleApp") -> None:
    """Ask, create, show the token."""
    start = NewAgent(grant=wire.AgentVault(vault_name=console.state.vault))
    vaults, note = _vaults(console), ""
    while True:
        wanted = await console.push_screen_wait(AgentForm(vaults, start, note))
        if wanted is None:
            return
        call = calls.create_agent(wanted.name, wanted.role, [wanted.grant], wanted.ttl_seconds)
        try:
            made = await console.send_as_operator(call)
        except VaultError as error:
            if error.code not in _TO_CORRECT:
                raise
            start, note = wanted, str(error)
            continue
        await _show_token(console, made)
        return


async def rotate_agent(console: "ConsoleApp", found: wire.AgentInfo) -> None:
    """Ask, rotate, show the token."""
    title = words.ROTATE_TITLE.format(name=found.name)
    text = words.ROTATE_TEXT.format(cut=cut(found.connections))
    if await console.push_screen_wait(Confirm(title, text, words.ROTATE_BUTTON)):
        made = await console.send_as_operator(calls.rotate_agent(found.name))
        await _show_token(console, made)


async def _show_token(console: "ConsoleApp", made: wire.AgentCreated | None) -> None:
    if made is not None:
        console.sync.reload("agents")
        await console.push_screen_wait(TokenDialog(made, console.state.status))


async def grant_vault(console: "ConsoleApp", found: wire.AgentInfo) -> None:
    """Choose a vault, then what the agent may use there."""
    held = {grant.vault_name: grant for grant in found.vaults}
    entries = [(name, _vault_line(name, held.get(name))) for name in _vaults(console)]
    title = words.GRANT_CHOOSE.format(name=found.name)
    vault = await console.push_screen_wait(Choose(title, entries, words.GRANT_NONE))
    if vault is None:
        return
    start, note = held.get(vault, wire.AgentVault(vault_name=vault)), ""
    while True:
        wanted = await console.push_screen_wait(GrantForm(found.name, start, note))
        if wanted is None:
            return
        role, services = wanted.vault_role, wanted.services
        if vault in held:
            call = calls.change_vault_agent(vault, found.name, role, services)
        else:
            call = calls.add_vault_agent(vault, found.name, role, services)
        try:
            done = await console.send_as_operator(call)
        except VaultError as error:
            if error.code not in _TO_CORRECT:
                raise
            start, note = wanted, str(error)
            continue
        if done is not None:
            told(console, words.GRANTED.format(message=done.message.capitalize()))
        return


async def take_vault(console: "ConsoleApp", found: wire.AgentInfo) -> None:
    """Choose a grant, unless there is one only, and end it after a confirmation."""
    vault: str | None = found.vaults[0].vault_name
    if len(found.vaults) > 1:
        entries = [(grant.vault_name, Content(" ") + grant_line(grant)) for grant in found.vaults]
        title = words.UNGRANT_CHOOSE.format(name=found.name)
        choose = Choose(title, entries, words.GRANT_NONE, deliberate=True)
        vault = await console.push_screen_wait(choose)
    if vault is None:
        return
    title = words.UNGRANT_TITLE.format(vault=vault, name=found.name)
    text = words.UNGRANT_TEXT.format(cut=cut(found.connections))
    button = words.UNGRANT_BUTTON.format(vault=vault)
    if not await console.push_screen_wait(Confirm(title, text, button)):
        return
    done = await console.send_as_operator(calls.remove_vault_agent(vault, found.name))
    if done is not None:
        told(console, words.GRANTED.format(message=done.message.capitalize()), Level.WARNING)


async def choose_role(console: "ConsoleApp", found: wire.AgentInfo) -> None:
    """Another role on the worker."""
    entries = [
        (role, _marked(role == found.role, Content(text)))
        for role, text in words.INSTANCE_ROLES.items()
    ]
    title = words.ROLE_TITLE.format(name=found.name)
    role = await console.push_screen_wait(Choose(title, entries, "", deliberate=True))
    if role is None or role == found.role:
        return
    done = await console.send_as_operator(calls.change_agent_role(found.name, role))
    if done is not None:
        told(console, words.ROLE_CHANGED.format(name=found.name, role=done.new_role))


async def pin(console: "ConsoleApp", found: Holder) -> None:
    """Let it use one account of the vault alone, or any."""
    vault, name = console.state.vault, holder_name(found)
    entries = [("", _marked(not found.account_id, Content(words.PIN_ANY)))]
    entries += [
        (
            account.id,
            _marked(
                account.id == found.account_id,
                plain(f"{account.nickname}  {account.email}", "", 100),
            ),
        )
        for account in console.state.accounts or ()
    ]
    title = words.PIN_TITLE.format(vault=vault, name=name)
    chosen = await console.push_screen_wait(Choose(title, entries, "", deliberate=True))
    if chosen is None:
        return
    who = {"agent": found.name} if isinstance(found, wire.AgentInfo) else {"session": found.id}
    pinned = calls.pin_account(chosen, vault, **who)
    call = pinned if chosen else calls.unpin_account(vault, **who)
    done = await console.send_as_operator(call)
    if done is not None:
        said = words.PINNED if done.account else words.UNPINNED
        told(console, said.format(name=name, account=done.account))


async def revoke(console: "ConsoleApp", found: Holder) -> None:
    """Delete an agent or end a session, after a confirmation that says what is cut."""
    name, is_agent = holder_name(found), isinstance(found, wire.AgentInfo)
    text = words.REVOKE_TEXT if is_agent else words.REVOKE_SESSION_TEXT
    confirm = Confirm(
        words.REVOKE_TITLE.format(name=name),
        text.format(cut=cut(found.connections)),
        words.REVOKE_BUTTON.format(name=display_safe(name, 40)),
    )
    if not await console.push_screen_wait(confirm):
        return
    call = (
        calls.delete_agent(found.name)
        if isinstance(found, wire.AgentInfo)
        else calls.revoke_session(found.id, found.vault)
    )
    if await console.send_as_operator(call) is not None:
        told(console, words.REVOKED.format(name=name), Level.WARNING)


def told(console: "ConsoleApp", text: str, level: Level = Level.GOOD) -> None:
    """Say what was done, and read the list again."""
    console.notice(text, level)
    console.sync.reload("agents")


def cut(connections: int) -> str:
    """How many connections end with a token, in words."""
    if connections < 2:
        return words.CUT_ONE if connections else words.CUT_NONE
    return words.CUT_SOME.format(count=connections)


def _vaults(console: "ConsoleApp") -> list[str]:
    names = [vault.name for vault in console.state.vaults]
    return names if console.state.vault in names else [console.state.vault, *names]


def _marked(present: bool, line: Content) -> Content:
    """An entry with a mark when it is so now."""
    return Content.assemble((" ● " if present else "   ", "$accent"), line)


def _vault_line(name: str, held: wire.AgentVault | None) -> Content:
    if held is not None:
        return Content(" ") + grant_line(held)
    return Content.assemble(plain(f" {name}  ", "bold", 66), (words.GRANT_NEW, "$faint"))
