"""What is done with key slots and the key, step by step. A secret lives as long as its step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.slot_forms import NewSlot, PasswordForm, RotateForm, Rotation, SlotForm
from vault_tui.screens.typed_confirm import TypedConfirm
from vault_tui.state import Level
from vault_tui.strings import settings as words
from vault_tui.widgets.setting_words import consequences, is_unattended, slot_name
from vault_tui.widgets.words import when

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_NOT_TO_CORRECT = frozenset(("no_worker", "sealed", "operator_required", "role_forbidden"))
"""What no other entry in a form would mend."""


async def add_slot(console: "ConsoleApp") -> None:
    """Ask, and add it."""
    start, note = NewSlot(), ""
    while True:
        wanted = await console.push_screen_wait(SlotForm(start, note))
        if wanted is None:
            return
        call = calls.add_slot(wanted.kind, wanted.secret, wanted.label, wanted.path)
        try:
            made = await console.send_as_operator(call)
        except VaultError as error:
            start, note = NewSlot(wanted.kind, wanted.label, path=wanted.path), _said(error)
            continue
        if made is not None:
            _told(console, words.ADDED.format(label=slot_name(made)))
        return


async def change_password(console: "ConsoleApp", slot: wire.SlotInfo) -> None:
    """Ask twice, and change it."""
    note = ""
    while True:
        password = await console.push_screen_wait(PasswordForm(slot, note))
        if password is None:
            return
        try:
            made = await console.send_as_operator(calls.change_slot(slot.id, password))
        except VaultError as error:
            note = _said(error)
            continue
        if made is not None:
            _told(console, words.CHANGED.format(label=slot_name(made)))
        return


async def remove_slot(
    console: "ConsoleApp", slot: wire.SlotInfo, slots: Sequence[wire.SlotInfo]
) -> None:
    """Say what breaks, let its name be typed, and remove it."""
    name, kind = slot_name(slot), words.SLOT_KINDS.get(slot.kind, slot.kind)
    what = words.REMOVE_WHAT.format(kind=kind, when=when(slot.created_at))
    text = "\n".join([what, *consequences(slot, slots)])
    title = words.REMOVE_TITLE.format(label=name)
    if not await console.push_screen_wait(TypedConfirm(title, text, name, words.REMOVE_BUTTON)):
        return
    last = not any(is_unattended(one) for one in slots if one.id != slot.id)
    if await _removed(console, slot, force=is_unattended(slot) and last):
        _told(console, words.REMOVED.format(label=name), Level.WARNING)


async def _removed(console: "ConsoleApp", slot: wire.SlotInfo, *, force: bool) -> bool:
    """Other slots of its kind may be there and not open: then the worker asks once more."""
    try:
        done = await console.send_as_operator(calls.remove_slot(slot.id, force))
    except VaultError as error:
        if error.code != "conflict" or force or not is_unattended(slot):
            raise
        ask = Confirm(words.FORCE_TITLE, str(error), words.FORCE_BUTTON)
        if not await console.push_screen_wait(ask):
            return False
        done = await console.send_as_operator(calls.remove_slot(slot.id, force=True))
    return done is not None


async def rotate_key(console: "ConsoleApp", slots: Sequence[wire.SlotInfo]) -> None:
    """Say what happens, ask for the passwords, make a new key."""
    start, note = Rotation(), ""
    while True:
        wanted = await console.push_screen_wait(RotateForm(slots, start, note))
        if wanted is None or not await _may_drop(console, slots, wanted.drop):
            return
        console.notice(words.WORKING)
        call = calls.rotate_key(wanted.secrets, list(wanted.drop), wanted.leave_unreadable)
        try:
            done = await console.send_as_operator(call)
        except VaultError as error:
            start = Rotation(drop=wanted.drop, leave_unreadable=wanted.leave_unreadable)
            note = _said(error)
            continue
        if done is not None:
            _told(console, _rotated(done))
        return


async def _may_drop(
    console: "ConsoleApp", slots: Sequence[wire.SlotInfo], drop: Sequence[str]
) -> bool:
    if not drop:
        return True
    names = ", ".join(slot_name(slot) for slot in slots if slot.id in drop)
    title = words.DROP_TITLE.format(labels=names)
    ask = Confirm(title, words.DROP_TEXT, words.DROP_BUTTON)
    return await console.push_screen_wait(ask) is True


def _rotated(done: wire.KeyRotated) -> str:
    said = words.ROTATED.format(version=done.key_version, count=done.resealed)
    if done.unreadable:
        said = words.ROTATED_BUT.format(said=said, count=done.unreadable)
    return said


def _said(error: VaultError) -> str:
    """What a form says of a refusal. Raises VaultError: one that no form mends."""
    if error.code in _NOT_TO_CORRECT:
        raise error
    return str(error)


def _told(console: "ConsoleApp", text: str, level: Level = Level.GOOD) -> None:
    console.notice(text, level)
    console.sync.reload("settings")
    console.sync.reload("status")
