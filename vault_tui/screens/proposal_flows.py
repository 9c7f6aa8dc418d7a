"""Deciding a proposal: what it needs, the dialogs, and what the worker says to it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.proposals.proposal import MAX_REASON
from vault_tui.screens.ask import AskText, Choose
from vault_tui.screens.proposal_approve import ApproveDialog
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import proposals as words
from vault_tui.widgets.proposal_diff import since
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

Decide = Callable[["ConsoleApp", wire.ReviewedProposal], Awaitable[bool]]
"""Whether it is decided then, by whomever."""


async def approve(console: "ConsoleApp", found: wire.ReviewedProposal) -> bool:
    """Ask until what is approved is what was shown; what was filled in is kept meanwhile."""
    given: dict[str, str] = {}
    changes: list[str] = []
    while found.review is not None:
        asked = await console.push_screen_wait(ApproveDialog(found, given, changes))
        if asked is None:
            return False
        given = asked
        filled = {key: value for key, value in given.items() if value}
        call = calls.approve_proposal(found.id, filled, found.vault, found.review.digest)
        try:
            done = await console.send_as_operator(call)
        except VaultError as error:
            fresh = _fresh_review(error)
            if fresh is None:
                return _refused(console, error)
            changes = since(found.review, fresh)
            found = msgspec.structs.replace(found, review=fresh)
            console.notice(words.CHANGED_AGAIN, Level.WARNING)
            continue
        return _told(console, done, words.APPLIED)
    return False


async def reject(console: "ConsoleApp", found: wire.ReviewedProposal) -> bool:
    """With a reason, if there is one."""
    title = words.REJECT_TITLE.format(id=found.id, by=found.created_by)
    reason = await console.push_screen_wait(AskText(title, words.REJECT_TEXT, check=_too_long))
    if reason is None:
        return False
    try:
        call = calls.reject_proposal(found.id, reason, found.vault)
        done = await console.send_as_operator(call)
    except VaultError as error:
        return _refused(console, error)
    return _told(console, done, words.REJECTED)


async def reveal(console: "ConsoleApp", found: wire.ReviewedProposal) -> None:
    """Show a value that the agent supplied, after a fresh proof, for a short time."""
    from vault_tui.screens.reveal import RevealDialog

    keys = [slot.key for slot in found.credentials if slot.has_value]
    key = await _one_of(console, keys, words.REVEAL_WHICH)
    if key is None:
        return
    text = strings.REVEAL_TEXT.format(key=key)
    if not await console.prove(strings.REVEAL_TITLE, text):
        return
    answer = await console.send(calls.reveal_proposed(found.id, key, found.vault))
    await console.push_screen_wait(RevealDialog(key, answer.value))


async def connect_slot(console: "ConsoleApp", found: wire.ReviewedProposal) -> None:
    """The form of the credentials' screen, filled with what the proposal says of the slot."""
    from vault_tui.screens.oauth_flows import connect

    needed = found.review.needs_login if found.review is not None else []
    key = await _one_of(console, needed, words.CONNECT_WHICH)
    if key is None:
        return
    slot = next(slot for slot in found.credentials if slot.key == key)
    await connect(console, key, slot.oauth)
    console.data_changed("credentials")


async def _one_of(console: "ConsoleApp", keys: list[str], title: str) -> str | None:
    if len(keys) == 1:
        return keys[0]
    entries = [(key, plain(f" {key}")) for key in keys]
    return await console.push_screen_wait(Choose(title, entries, ""))


def _fresh_review(error: VaultError) -> wire.ProposalReview | None:
    """The review that comes with the answer to an outdated digest."""
    found = error.extra.get("review")
    return None if found is None else msgspec.convert(found, wire.ProposalReview)


def _refused(console: "ConsoleApp", error: VaultError) -> bool:
    """One that is decided already is done with; any other refusal is told as usual."""
    if "proposal_status" not in error.extra:
        raise error
    console.notice(str(error), Level.WARNING)
    return True


def _told(console: "ConsoleApp", done: wire.ProposalDecided | None, sentence: str) -> bool:
    if done is None:
        return False
    said = sentence.format(id=done.id) + (words.ALREADY if done.already else "")
    console.notice(said, Level.GOOD)
    return True


def _too_long(reason: str) -> str | None:
    return words.REASON_LONG.format(count=MAX_REASON) if len(reason) > MAX_REASON else None
