"""The DEK's life in this worker: set up, unsealed, proved, sealed.

    initialise   DEK, first slot, root CA, vault `default`: one transaction
    unseal       a slot opens the DEK; secrets and the CA's key can be read
    seal         the DEK is overwritten; operator sessions end
    prove        a slot opens the very DEK that is live: what an operator session rests on

Slots are changed by `key_slots`, the DEK itself by `rotation`.

Proofs are tried one at a time, each in a thread, and many wrong ones make the next wait.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.mitm.ca import LeafMint
from proxy_core.seal import Sealer, SlotDraft, SlotKind, SlotRecord, new_dek, overwrite, prove
from proxy_core.services import authority, slots
from proxy_core.services.attempts import Attempts
from proxy_core.services.beginning import already_set_up, first_root, store_first
from proxy_core.services.context import Context, Swap
from proxy_core.services.loading import load_snapshot
from proxy_core.services.opening import Opened, open_any, open_one
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Snapshot
from proxy_core.store import installation, tables

T = TypeVar("T")
_KEY_VERSION = 1
_Stored = tuple[int, tables.CertificateAuthority | None, Snapshot]
"""How often the DEK was used, the root CA, and everything else that is loaded."""


def count_encryptions(session: Session, sealer: Sealer) -> None:
    """Store how often the DEK was used, in the transaction that used it."""
    installation.set_encryptions(session, sealer.encryptions)


class Keys:
    """`initialized`, `sealed`, `slot_kinds` and `ca_pem` are answered from memory."""

    def __init__(self, context: Context, leaves: LeafMint) -> None:
        self._context = context
        self._leaves = leaves
        self.slots: list[SlotRecord] = []
        """As they are stored, oldest first."""
        self._attempts = Attempts(context.clock)
        self._proving = asyncio.Lock()
        self._on_seal: list[Callable[[], None]] = []
        self._on_open: list[Callable[[], None]] = []
        self._before_seal: list[Callable[[str], None]] = []
        self.outdated: Callable[[], None] = self.give_up
        """Told, in the loop, when the slots hold a newer key than this worker."""
        self._ca_pem = ""
        self.problem: str | None = None
        """What keeps an open vault from signing leaves, or why it was sealed, in one sentence."""

    @property
    def initialized(self) -> bool:
        """Whether a first slot exists."""
        return bool(self.slots)

    @property
    def sealed(self) -> bool:
        """Whether no DEK is held."""
        return self._context.sealer.sealed

    @property
    def slot_kinds(self) -> list[str]:
        """Kinds of the slots that exist, each once, for the status."""
        return list(dict.fromkeys(slot.kind.value for slot in self.slots))

    @property
    def ca_pem(self) -> str:
        """The root certificate; served while sealed. Raises VaultError: not_initialized."""
        if not self._ca_pem:
            raise VaultError("not_initialized")
        return self._ca_pem

    def on_seal(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the loop whenever the vault is sealed."""
        self._on_seal.append(listener)

    def before_seal(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with who seals the vault, in the loop, while secrets can be read."""
        self._before_seal.append(listener)

    def on_open(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the loop whenever the vault was opened."""
        self._on_open.append(listener)

    async def load(self) -> None:
        """Read slots and certificate; the vault stays sealed."""

        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read slots and certificate; what is answered puts them in force.

        A DEK that is no longer the one in the slots reads nothing new: `outdated` is told.
        """
        stored = [slots.slot_record(row) for row in installation.list_slots(session)]
        certificate = authority.load_certificate(session)

        def swap() -> None:
            self.slots, self._ca_pem = stored, certificate
            versions = {slot.key_version for slot in stored}
            if not self.sealed and self._context.sealer.key_version not in versions:
                self.outdated()

        return swap

    async def initialise(self, request: wire.InitRequest, by: Principal) -> wire.Sealed:
        """Make the DEK, its first slot, the root CA and the vault `default`; then open.

        Raises VaultError: conflict (set up already), bad_request, keyring_unavailable,
        key_slot_unusable.
        """
        if self.initialized:
            raise already_set_up()
        dek = new_dek()
        slot = await asyncio.to_thread(slots.create_slot, request, self._draft(request), dek)
        sealer = Sealer()
        sealer.open(bytearray(dek), key_version=slot.key_version)
        stored_root = await asyncio.to_thread(first_root, sealer, self._context.clock)

        def work(session: Session) -> Snapshot:
            now = self._context.clock.time()
            store_first(session, slot, stored_root, now)
            count_encryptions(session, sealer)
            self._context.audit.say_opened(session, _unsealed(slot), sealer)
            return load_snapshot(session, now)

        def then(snapshot: Snapshot) -> None:
            self.slots = [slot]
            self._opened(dek, slot, 1, stored_root, snapshot)
            self._context.publish(EventType.WORKER_UNSEALED, by, slot=slot.kind.value, first=True)

        try:
            await self._context.change(work, then)
        except VaultError:
            overwrite(dek)
            await asyncio.to_thread(slots.discard_slot, slot)
            raise
        finally:
            sealer.forget()
        return wire.Sealed(sealed=False)

    async def unseal(
        self, proof: wire.KeyProof, by: Principal, *, own_user: bool = False
    ) -> wire.Sealed:
        """Open with what the proof holds; an open vault only checks it.

        `own_user`: the caller is a process of the worker's user, for whom the worker may fetch
        the key of a keyring or key file. Raises VaultError: wrong_key, not_initialized,
        rate_limited, keyring_unavailable, key_slot_unusable.
        """
        slot, dek = await self._open(proof, by, own_user)
        if not self.sealed:
            prove(self._context.sealer, dek)
            await self._context.audit.record(Deed("operator.unlocked", slot.kind.value))
        else:
            await self._context.carry_through(self._unlock(slot, dek, by))
        return wire.Sealed(sealed=False)

    async def unseal_automatically(self, password: bytes | None = None) -> str | None:
        """Try keyring, key file, then `password`. Answers the slot's kind, None if none opened."""
        opened = await asyncio.to_thread(open_any, self.slots, password)
        if opened is None:
            return None
        slot, dek = opened
        await self._context.carry_through(self._unlock(slot, dek, "worker"))
        return slot.kind.value

    async def seal(self, by: Principal | str) -> wire.Sealed:
        """Forget the DEK and every operator session. Harmless when sealed.

        Nothing holds this up: it is told to the audit afterwards, as soon as that can be.
        """
        if not self.sealed:
            self._forget(by)
            why = {"why": by} if isinstance(by, str) else {}
            await self._context.audit.record_sometime(Deed("vault.sealed", after=why))
        return wire.Sealed(sealed=True)

    def give_up(self) -> None:
        """Seal: the key was rotated by another worker, and nothing opens the new one here."""
        if not self.sealed:
            self._forget("worker (the key was changed)")
            self.problem = "Another worker has rotated the key: unseal this one again."

    async def prove(self, proof: wire.KeyProof, by: Principal, *, own_user: bool = False) -> None:
        """Check that the proof opens the live DEK. Raises as `unseal`, and VaultError: sealed."""
        if self.initialized and self.sealed:
            raise VaultError("sealed")
        _, dek = await self._open(proof, by, own_user)
        prove(self._context.sealer, dek)

    def _forget(self, by: Principal | str) -> None:
        for about_to in self._before_seal:
            with suppress(Exception):  # whatever it is, the key goes
                about_to(by if isinstance(by, str) else by.label)
        self._context.sealer.forget()
        self._leaves.seal()
        for listener in self._on_seal:
            listener()
        self._context.publish(EventType.WORKER_SEALED, by)

    def _draft(self, request: wire.InitRequest) -> SlotDraft:
        label = slots.checked_label(request)
        return SlotDraft(new_id(), label, self._context.clock.time(), _KEY_VERSION)

    async def _open(self, proof: wire.KeyProof, by: Principal, own_user: bool) -> Opened:
        """The DEK by the first slot of the proof's kind that it opens."""
        kind = slots.slot_kind(proof.slot)
        if not self.initialized:
            raise VaultError("not_initialized")
        return await self.tried(
            kind, by, lambda: open_one(self.slots, kind, proof.secret, own_user)
        )

    async def tried(self, kind: SlotKind, by: Principal, proof: Callable[[], T]) -> T:
        """What `proof` answers; a wrong one counts. Raises rate_limited, and what it raises."""
        async with self._proving:
            self._attempts.check()
            try:
                return await asyncio.to_thread(proof)
            except VaultError as error:
                if error.code == "wrong_key":
                    self._attempts.failed()
                    refused = Deed("operator.refused", kind.value, after={"why": error.code})
                    self._context.refusals.note(refused)
                    self._context.publish(EventType.OPERATOR_REFUSED, by, slot=kind.value)
                raise

    async def _unlock(self, slot: SlotRecord, dek: bytearray, by: Principal | str) -> None:
        """Load what the DEK opens, then take the DEK.

        The proxy shall serve also while nothing can be written: then the audit is owed its entry.
        """
        now = self._context.clock.time()

        def read(session: Session) -> _Stored:
            count = installation.encryptions(session)
            root = installation.current_authority(session)
            return count, root, load_snapshot(session, now)

        def tell_and_read(session: Session) -> _Stored:
            opened = Sealer()
            opened.open(bytearray(dek), key_version=slot.key_version)
            try:
                self._context.audit.say_opened(session, _unsealed(slot), opened)
            finally:
                opened.forget()
            return read(session)

        def then(found: _Stored) -> None:
            count, root, snapshot = found
            self._opened(dek, slot, count, root, snapshot)
            self._context.publish(EventType.WORKER_UNSEALED, by, slot=slot.kind.value)

        try:
            await self._context.change(tell_and_read, then)
        except VaultError as error:
            if error.code != "database_unavailable":
                raise
            await self._context.look(read, then)
            self._context.audit.owe(_unsealed(slot), error)

    def _opened(
        self,
        dek: bytearray,
        slot: SlotRecord,
        encryptions: int,
        root: tables.CertificateAuthority | None,
        snapshot: Snapshot,
    ) -> None:
        sealer = self._context.sealer
        sealer.open(dek, key_version=slot.key_version, encryptions=encryptions)
        self._context.snapshot = snapshot
        self.problem = None
        try:
            if root is None:
                raise VaultError("credential_unreadable")
            self._leaves.load(authority.unseal_root(root, sealer))
            self._ca_pem = root.certificate_pem
        except VaultError:
            self.problem = "The local CA's private key cannot be read: https cannot be proxied."
        for listener in self._on_open:
            listener()


def _unsealed(slot: SlotRecord) -> Deed:
    return Deed("vault.unsealed", slot.kind.value, after={"slot": slot.label})
