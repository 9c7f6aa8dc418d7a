"""Another DEK: everything that is sealed is sealed anew, in one transaction or not at all.

    slots        each is opened and wraps the new key; nothing of it is stored yet
    refreshes    none runs: its tokens would come back sealed under the old key
    commit       every sealed column, every slot, the audit's entry
    in force     this worker goes on with the new key, and reads everything again

What is in memory meanwhile is sealed under the old key, which therefore can be read with for
FORMER_SECONDS: no request under way fails. Other workers learn of it by the slots and go on with
the new key where a slot opens without a person; else they seal (`services.following`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.seal import Sealer, SlotKind, SlotRecord, aad, new_dek, overwrite
from proxy_core.services import slots
from proxy_core.services.context import Context
from proxy_core.services.key_slots import KeySlots
from proxy_core.services.keys import Keys, count_encryptions
from proxy_core.services.logins import Logins
from proxy_core.services.opening import open_any
from proxy_core.services.principal import Principal
from proxy_core.store import installation
from proxy_core.store import logins as login_store
from proxy_core.store.refresh_locks import owner_lives
from proxy_core.store.sealed import Place, reseal_all

FORMER_SECONDS = 180.0
"""Longer than a request is held, or waits for a provider."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_MOST_NAMED = 5
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Resealing:
    """Seals one value after the other anew; `unreadable` names what could not be decrypted."""

    live: Sealer
    anew: Sealer
    unreadable: list[str] = field(default_factory=list)

    def __call__(self, place: Place) -> bytes | None:
        """In a store's thread. Raises VaultError: sealed."""
        data = aad(place.vault_id, place.table, place.row_id, place.column)
        try:
            value = self.live.unseal(place.sealed, data)
        except VaultError as error:
            if error.code != "credential_unreadable":
                raise
            self.unreadable.append(f"{place.table} {place.row_id}")
            return None
        return self.anew.seal(value, data)


@dataclass(frozen=True, slots=True)
class _NewKey:
    """The DEK to come, and the slots that wrap it in the place of those `before`."""

    dek: bytearray = field(repr=False)
    version: int
    wrapped: list[SlotRecord]
    before: Sequence[SlotRecord]


class Rotation:
    """`on_replaced` listeners hold sealed values that are in no database."""

    def __init__(self, context: Context, keys: Keys, key_slots: KeySlots, logins: Logins) -> None:
        self._context = context
        self._keys = keys
        self._key_slots = key_slots
        self._logins = logins
        self._on_replaced: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        keys.outdated = self._outdated

    def on_replaced(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the loop while both keys can be read with."""
        self._on_replaced.append(listener)

    async def rotate(self, request: wire.RotateKey, by: Principal) -> wire.KeyRotated:
        """Make a new DEK and seal everything anew.

        Raises VaultError: sealed, wrong_key and bad_request (a slot that neither opens nor is
        dropped), rate_limited (many wrong passwords), credential_unreadable (what can't be
        decrypted), conflict (another worker changes slots or refreshes a login); then everything
        is as it was.
        """
        return await self._context.carry_through(self._rotate(request, by))

    async def close(self) -> None:
        """End what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- rotating -------------------------------------------------------------------------------

    async def _rotate(self, request: wire.RotateKey, by: Principal) -> wire.KeyRotated:
        async with self._key_slots.changing:
            before, live = self._key_slots.held(), self._context.sealer
            dek, version = new_dek(), live.key_version + 1
            kept = _kept(before, request)
            wrapped = await self._keys.tried(
                SlotKind.PASSWORD, by, lambda: _rewrapped(kept, request.secrets, live, dek, version)
            )
            async with self._logins.paused():
                try:
                    return await self._commit(request, _NewKey(dek, version, wrapped, before), by)
                except VaultError:
                    await self._look_again()
                    raise
                finally:
                    self._context.fence.coming = None
                    overwrite(dek)

    async def _commit(
        self, request: wire.RotateKey, new: _NewKey, by: Principal
    ) -> wire.KeyRotated:
        def work(session: Session) -> tuple[int, int, int]:
            return self._seal_anew(session, request, new)

        def then(done: tuple[int, int, int]) -> None:
            self._keys.slots = new.wrapped
            if not self._keys.sealed:
                self._replace(bytearray(new.dek), new.version, done[2])
            self._context.publish(EventType.SETTINGS_CHANGED, by, key="rotated")

        resealed, unreadable, _ = await self._context.change(work, then)
        await self._context.database.drop_past()
        shown = self._key_slots.shown().slots
        return wire.KeyRotated(
            key_version=new.version, resealed=resealed, unreadable=unreadable, slots=shown
        )

    def _seal_anew(
        self, session: Session, request: wire.RotateKey, new: _NewKey
    ) -> tuple[int, int, int]:
        """How many values were sealed, how many could not be read, and the new key's encryptions.

        In the store's thread. Raises VaultError: conflict, credential_unreadable, sealed.
        """
        self._key_slots.check_known(session, new.before)
        self._context.fence.coming = new.version  # nobody else's: we hold the slots
        _check_no_refresh(session, self._context.clock.time())
        anew = Sealer()
        anew.open(bytearray(new.dek), key_version=new.version)
        try:
            resealing = Resealing(self._context.sealer, anew)
            count = reseal_all(session, resealing)
            _check_readable(resealing, request)
            _store_slots(session, new.wrapped, {slot.id for slot in new.before})
            said = Deed("key.rotated", str(new.version), after={"values": count})
            self._context.audit.say_opened(session, said, anew)
            count_encryptions(session, anew)
            return count, len(resealing.unreadable), anew.encryptions
        finally:
            anew.forget()

    async def _look_again(self) -> None:
        """Hear of the key that is stored: another worker's, or ours if a lost answer said so."""
        with suppress(VaultError):
            await self._context.take_in(lambda session: [self._keys.read(session)])

    # --- in force -------------------------------------------------------------------------------

    def _replace(self, dek: bytearray, version: int, encryptions: int) -> None:
        self._context.sealer.replace(dek, key_version=version, encryptions=encryptions)
        for listener in self._on_replaced:
            listener()
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        """Read again what the old key has sealed; then let go of it."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._context.take_in(self._context.read_everything)
                break
            except VaultError as error:
                _log.warning("what was sealed anew can't be read yet: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        await asyncio.sleep(FORMER_SECONDS)
        self._context.sealer.forget_former()

    # --- another worker's rotation --------------------------------------------------------------

    def _outdated(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        """Go on with another worker's key. Until then nothing is stored here (`key_fence`)."""
        opened = await asyncio.to_thread(open_any, self._keys.slots, None)
        if opened is None:
            self._keys.give_up()
            return
        slot, dek = opened
        try:
            count = await self._context.database.read(installation.encryptions)
            self._task = None  # this one, which is about to end
            self._replace(bytearray(dek), slot.key_version, count)
            _log.info("another worker has rotated the key: version %d", slot.key_version)
        except VaultError as error:  # sealed meanwhile, or the database is away
            self._keys.give_up()
            _log.warning("another worker's key can't be gone on with: %s", error)
        finally:
            overwrite(dek)


def _kept(known: Sequence[SlotRecord], request: wire.RotateKey) -> list[SlotRecord]:
    """The slots that are to open the new key. Raises VaultError: bad_request."""
    if strange := {*request.drop, *request.secrets} - {slot.id for slot in known}:
        raise VaultError("bad_request", f"There is no key slot {min(strange)!r}.")
    kept = [slot for slot in known if slot.id not in request.drop]
    if not kept:
        raise VaultError("bad_request", "At least one slot has to open the new key.")
    for slot in kept:
        if slot.kind is SlotKind.PASSWORD and not request.secrets.get(slot.id):
            raise VaultError(
                "bad_request",
                f"Slot {slot.label!r} needs its password, or is to be dropped.",
                {"slot": slot.id},
            )
    return kept


def _rewrapped(
    kept: Sequence[SlotRecord],
    secrets: Mapping[str, str],
    live: Sealer,
    dek: bytearray,
    version: int,
) -> list[SlotRecord]:
    """Blocking. Raises VaultError: the first slot's failure, which names the slot."""
    wrapped = []
    for slot in kept:
        try:
            secret = secrets.get(slot.id, "")
            wrapped.append(slots.rewrap(slot, secret, live, dek, version))
        except VaultError as error:
            raise VaultError(
                error.code,
                f"Slot {slot.label!r} does not open the vault now, so it has to be dropped, or "
                f"mended first: {error}",
                {"slot": slot.id},
            ) from None
    return wrapped


def _check_no_refresh(session: Session, now: float) -> None:
    """Whether another worker is about to store tokens. Raises VaultError: conflict."""
    for owner, begun_at in login_store.refreshes_under_way(session):
        alive = owner_lives(owner)
        if alive or (alive is None and 0 <= now - begun_at < FORMER_SECONDS):
            raise VaultError("conflict", "Another worker refreshes a login: try again in a moment.")


def _check_readable(resealing: Resealing, request: wire.RotateKey) -> None:
    if resealing.unreadable and not request.leave_unreadable:
        named = ", ".join(resealing.unreadable[:_MOST_NAMED])
        raise VaultError(
            "credential_unreadable",
            f"{len(resealing.unreadable)} stored values cannot be decrypted: {named}. "
            "Nothing was changed. Set or delete them first, or say --leave-unreadable.",
        )


def _store_slots(session: Session, wrapped: Sequence[SlotRecord], before: set[str]) -> None:
    for slot in wrapped:
        installation.save_slot(session, slots.slot_row(slot))
    for slot_id in before - {slot.id for slot in wrapped}:
        installation.remove_slot(session, slot_id)
