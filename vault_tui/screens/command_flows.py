"""Approving the command that tells a credential's value."""

import shlex
from typing import TYPE_CHECKING

from proxy_core.client import calls
from vault_tui.screens.confirm import Confirm
from vault_tui.state import Level
from vault_tui.strings import commands as words

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def approve(console: "ConsoleApp", key: str) -> None:
    """Show what would run; approve exactly that, by its digest."""
    vault = console.state.vault
    found = await console.send(calls.command(key, vault))
    if found.problem:
        console.notice(found.problem, Level.ERROR)
        return
    text = words.APPROVE_TEXT.format(
        command=shlex.join(found.argv),
        executable=found.executable,
        env=", ".join(found.env) or words.NO_VARIABLES,
        ttl=found.ttl_seconds,
    )
    title = words.APPROVE_TITLE.format(key=key)
    if not await console.push_screen_wait(Confirm(title, text, words.APPROVE_BUTTON)):
        return
    call = calls.approve_command(key, found.digest, vault)
    if await console.send_as_operator(call) is not None:
        console.notice(words.APPROVED.format(key=key), Level.GOOD)
        console.sync.reload("credentials")
