"""Key slots: the ways in which the vault opens. Each change wraps the DEK anew and nothing else.

add        one more
change     another password
remove     never the last that opens, nor unasked the one with which the worker starts by itself
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.seal import SlotDraft, SlotRecord, overwrite
from proxy_core.services import slots
from proxy_core.services.context import Context
from proxy_core.services.keys import Keys
from proxy_core.services.opening import usable
from proxy_core.services.principal import Principal
from proxy_core.store import installation


class KeySlots:
    """What operators do with slots. Whoever changes the key holds `changing`."""

    def __init__(self, context: Context, keys: Keys) -> None:
        self._context = context
        self._keys = keys
        self.changing = asyncio.Lock()

    def shown(self) -> wire.SlotList:
        """What the slots are, never what opens them."""
        return wire.SlotList(slots=[_described(slot) for slot in self._keys.slots])

    async def add(self, request: wire.InitRequest, by: Principal) -> wire.SlotInfo:
        """Wrap the DEK in one more slot.

        Raises VaultError: bad_request, keyring_unavailable, key_slot_unusable, sealed.
        """
        return await self._context.carry_through(self._add(request, by))

    async def change(self, slot_id: str, request: wire.ChangeSlot, by: Principal) -> wire.SlotInfo:
        """Give a password slot another password; the old one opens nothing any more.

        Raises VaultError: not_found, bad_request (another kind, no password), sealed, conflict.
        """
        return await self._context.carry_through(self._change(slot_id, request, by))

    async def remove(self, slot_id: str, by: Principal, *, force: bool) -> wire.SlotRemoved:
        """Take a slot away, and the key that the worker kept for it.

        `force`: also the last one that opens without a person. Raises VaultError: not_found,
        conflict (it is needed), sealed.
        """
        return await self._context.carry_through(self._remove(slot_id, by, force))

    def held(self) -> list[SlotRecord]:
        """The slots, oldest first, as long as they wrap the key that this worker holds.

        Raises VaultError: sealed, also while another worker's new key is not here yet.
        """
        if self._keys.sealed:
            raise VaultError("sealed")
        version = self._context.sealer.key_version
        if any(slot.key_version != version for slot in self._keys.slots):
            raise VaultError("sealed", "Another worker has rotated the key: try again in a moment.")
        return list(self._keys.slots)

    async def _add(self, request: wire.InitRequest, by: Principal) -> wire.SlotInfo:
        async with self.changing:
            known, sealer = self.held(), self._context.sealer
            now = self._context.clock.time()
            label = slots.checked_label(request)
            draft = SlotDraft(new_id(), label, now, sealer.key_version)
            dek = sealer.copy_dek()
            try:
                slot = await asyncio.to_thread(slots.create_slot, request, draft, dek)
            finally:
                overwrite(dek)
            try:
                await self._store(slot, by, known, [*known, slot], "added")
            except VaultError:
                await asyncio.to_thread(slots.discard_slot, slot)
                raise
            return _described(slot)

    async def _change(self, slot_id: str, request: wire.ChangeSlot, by: Principal) -> wire.SlotInfo:
        async with self.changing:
            known, sealer = self.held(), self._context.sealer
            before = self._find(slot_id)
            dek = sealer.copy_dek()
            try:
                slot = await asyncio.to_thread(
                    slots.change_password, before, request.secret, dek, sealer.key_version
                )
            finally:
                overwrite(dek)
            then = [slot if one.id == slot_id else one for one in known]
            await self._store(slot, by, known, then, "changed")
            return _described(slot)

    async def _store(
        self,
        slot: SlotRecord,
        by: Principal,
        known: list[SlotRecord],
        then: list[SlotRecord],
        change: str,
    ) -> None:
        def work(session: Session) -> None:
            self.check_known(session, known)
            installation.save_slot(session, slots.slot_row(slot))

        await self._context.change(work, lambda _: self._put(slot, then, by, change))
        await self._context.database.drop_past()  # the slot before opens a copy of the file

    async def _remove(self, slot_id: str, by: Principal, force: bool) -> wire.SlotRemoved:
        async with self.changing:
            known = self.held()
            slot = self._find(slot_id)
            found = await asyncio.to_thread(usable, known, self._context.sealer)
            _check_not_needed(slot, *found, force)

            def work(session: Session) -> None:
                self.check_known(session, known)
                installation.remove_slot(session, slot_id)

            left = [one for one in known if one is not slot]
            await self._context.change(work, lambda _: self._put(slot, left, by, "removed"))
            await self._context.database.drop_past()
            if slot_id in found[0]:  # what it was opened with is its own key: nobody needs that
                with suppress(VaultError, OSError):
                    await asyncio.to_thread(slots.discard_slot, slot)
            return wire.SlotRemoved(removed=slot_id)

    @staticmethod
    def check_known(session: Session, known: Sequence[SlotRecord]) -> None:
        """Whether another worker has changed the slots meanwhile. Raises VaultError: conflict.

        Each wrapping of a key is another one, so a new password or a rotation shows as well.
        """
        stored = {row.id: row.wrapped_dek for row in installation.hold_slots(session)}
        if stored != {slot.id: slot.wrapped_dek for slot in known}:
            raise VaultError("conflict", "The key slots were changed meanwhile: look again.")

    def _put(self, slot: SlotRecord, known: list[SlotRecord], by: Principal, change: str) -> None:
        self._keys.slots = known
        self._context.publish(EventType.SETTINGS_CHANGED, by, slot=slot.kind.value, change=change)

    def _find(self, slot_id: str) -> SlotRecord:
        for slot in self._keys.slots:
            if slot.id == slot_id:
                return slot
        raise VaultError("not_found", "No such key slot.")


def _check_not_needed(
    slot: SlotRecord, unattended: set[str], by_password: set[str], force: bool
) -> None:
    others = (unattended | by_password) - {slot.id}
    if not others:
        raise VaultError("conflict", "No other slot would open the vault: add one before.")
    if not force and slot.id in unattended and not unattended - {slot.id}:
        raise VaultError(
            "conflict",
            "It is the last slot with which the worker opens the vault by itself: "
            "without it each start needs a password. --force removes it all the same.",
        )


def _described(slot: SlotRecord) -> wire.SlotInfo:
    return wire.SlotInfo(
        id=slot.id,
        kind=slot.kind.value,
        label=slot.label,
        created_at=rfc3339(slot.created_at),
    )
