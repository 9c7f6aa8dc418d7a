"""Credentials: set, list, reveal, delete; versions and their restoration.

A value is sealed before it reaches the store, and unsealed only to be revealed on purpose or to
become a newer version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from weakref import WeakSet

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.names import check_credential_key
from proxy_core.services.commands.commands import add_command
from proxy_core.services.commands.values import CommandValues
from proxy_core.services.context import Context
from proxy_core.services.keys import count_encryptions
from proxy_core.services.loading import credential_aad, sealed_secret
from proxy_core.services.logins import Logins
from proxy_core.services.oauth_credentials import add_health
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed, SealedSecret, VaultEntry
from proxy_core.store import credentials as store
from proxy_core.store import tables
from proxy_core.store import vaults as vault_store

MAX_VALUE_BYTES = 64 * 1024
MAX_KEYS = 500
Changed = tuple[str, dict[str, SealedSecret]]
"""A vault's id, and what is new in it."""


class Credentials:
    """Every method raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context, logins: Logins, commands: CommandValues) -> None:
        self._context = context
        self._logins = logins
        self._commands = commands
        self._readable: WeakSet[SealedSecret] = WeakSet()
        """What was found to open: a list need not decrypt every value each time it is asked."""

    async def set(self, request: wire.SetCredentials, by: Principal) -> wire.CredentialsSet:
        """All or none; older values stay as versions. VaultError: sealed, bad_request."""
        values = checked_values(request.credentials)
        vault = self._context.vault(request.vault).name
        self._check_open()

        def work(session: Session) -> Changed:
            vault_id = vault_store.vault_by_name(session, vault).id
            return vault_id, self.store(session, vault_id, values)

        await self._context.change(work, lambda changed: self.stored(changed, by))
        return wire.CredentialsSet(set=list(values))

    async def delete(
        self, request: wire.DeleteCredentials, by: Principal
    ) -> wire.CredentialsDeleted:
        """All or none, versions included. The event names the services that break.

        Raises VaultError: bad_request, not_found, conflict for a pool's.
        """
        keys = list(dict.fromkeys(request.keys))
        if not keys:
            raise VaultError("bad_request", "keys names no credential")
        vault = request.vault
        _check_no_pool(self._context.vault(vault), keys)

        def work(session: Session) -> str:
            vault_id = vault_store.vault_by_name(session, vault).id
            for key in keys:
                store.credential_by_key(session, vault_id, key)
            store.delete_credentials(session, vault_id, keys)
            return vault_id

        def then(vault_id: str) -> None:
            self.deleted(vault_id, keys, by)

        await self._context.change(work, then)
        return wire.CredentialsDeleted(deleted=keys)

    def deleted(self, vault_id: str, keys: Sequence[str], by: Principal | str) -> None:
        """In the loop, once it is committed: let nothing use these any more, and tell."""
        entry = self._context.snapshot.by_id[vault_id]
        self._swap(entry.without_credentials(keys))
        for key in keys:
            self._forget_login(entry.borrowed.get(key))
            self._context.usage.credentials.pop((entry.name, key), None)
            breaks = list(entry.compiled.users.get(key, ()))
            self._context.publish(
                EventType.CREDENTIAL_DELETED, by, vault=entry.name, name=key, breaks=breaks
            )

    async def names(self, vault: str, by: Principal) -> wire.CredentialList:
        """Keys alone; those of its services for a token that may use some only."""
        entry = self._context.vault(vault)
        granted = self._context.granted(by.token_sha256, entry)
        keys = entry.keys if granted is None else entry.keys_of(granted)
        return wire.CredentialList(keys=keys)

    async def list(self, vault: str, key: str = "") -> wire.CredentialList:
        """Keys and metadata, without values; of `key` alone when given (VaultError not_found)."""
        entry = self._context.vault(vault)

        def read(session: Session) -> list[tables.Credential]:
            if key:
                return [store.credential_by_key(session, entry.id, key)]
            return store.list_credentials(session, entry.id)

        rows = await self._context.database.read(read)
        described = [self._described(entry, row) for row in rows]
        return wire.CredentialList(keys=[row.key for row in rows], credentials=described)

    async def reveal(self, vault: str, by: Principal, key: str = "") -> wire.CredentialList:
        """As `list`, with values; every reveal is announced. VaultError: sealed, not_found.

        A value that can't be decrypted is left out; its `state` says so. So are tokens, which
        nobody needs to see: they change by themselves.
        """
        self._check_open()
        found = await self.list(vault, key)
        entry = self._context.vault(vault)
        shown = [
            (described, sealed)
            for described in found.credentials or ()
            if (sealed := entry.secrets.get(described.key)) and described.state == "ok"
        ]
        # First the entries: what can't be told to the audit is not revealed.
        await self._context.audit.record(
            *(Deed("credential.revealed", one.key, entry.id, entry.name) for one, _ in shown)
        )
        for described, sealed in shown:
            described.value = self._context.sealer.unseal(sealed.blob, sealed.aad).decode()
            self._context.publish(
                EventType.CREDENTIAL_REVEALED, by, vault=vault, name=described.key
            )
        return found

    async def history(self, vault: str, key: str) -> wire.CredentialHistory:
        """Versions, newest first. Raises VaultError: not_found."""
        vault_id = self._context.vault(vault).id
        rows = await self._context.database.read(
            lambda session: store.list_versions(session, vault_id, key)
        )
        versions = [
            wire.CredentialVersion(
                version=row.version, created_at=rfc3339(row.created_at), current=row is rows[0]
            )
            for row in rows
        ]
        return wire.CredentialHistory(key=key, versions=versions)

    async def restore(
        self, key: str, request: wire.RestoreCredential, by: Principal
    ) -> wire.CredentialsSet:
        """An old value becomes the newest version.

        Raises VaultError: not_found, sealed, credential_unreadable.
        """
        vault = request.vault
        sealer = self._context.sealer
        self._check_open()

        def work(session: Session) -> Changed:
            vault_id = vault_store.vault_by_name(session, vault).id
            old = sealed_secret(store.sealed_value(session, vault_id, key, request.version))
            value = sealer.unseal(old.blob, old.aad)
            return vault_id, self.store(session, vault_id, {key: value})

        await self._context.change(
            work, lambda changed: self.stored(changed, by, restored=request.version)
        )
        return wire.CredentialsSet(set=[key])

    def store(
        self, session: Session, vault_id: str, values: Mapping[str, bytes]
    ) -> dict[str, SealedSecret]:
        """In a change: a new version of each. Raises VaultError: sealed, conflict (its type)."""
        sealer, now = self._context.sealer, self._context.clock.time()
        changed: dict[str, SealedSecret] = {}
        for key, value in values.items():

            def seal(row_id: str, value: bytes = value) -> bytes:
                return sealer.seal(value, credential_aad(vault_id, row_id))

            store.set_credential(session, vault_id, key, seal, new_id=new_id(), now=now)
            stored = store.sealed_value(session, vault_id, key)
            changed[key] = sealed_secret(stored)
        count_encryptions(session, sealer)
        return changed

    def stored(self, changed: Changed, by: Principal | str, **more: int) -> None:
        """In the loop, once it is committed: put the new versions in force, and tell."""
        vault_id, secrets = changed
        entry = self._context.snapshot.by_id[vault_id]
        self._swap(replace(entry, secrets={**entry.secrets, **secrets}))
        for key, secret in secrets.items():
            self._context.publish(
                EventType.CREDENTIAL_CHANGED,
                by,
                vault=entry.name,
                name=key,
                version=secret.version,
                **more,
            )

    def _described(self, entry: VaultEntry, row: tables.Credential) -> wire.CredentialInfo:
        used_at = self._context.usage.credentials.get((entry.name, row.key))
        info = wire.CredentialInfo(
            key=row.key,
            type=row.type,
            version=row.current_version,
            created_at=rfc3339(row.created_at),
            updated_at=rfc3339(row.updated_at),
            last_used_at=rfc3339(used_at) if used_at else "",
            used_by=list(entry.compiled.users.get(row.key, ())),
            state=self._state(entry.secrets.get(row.key)),
        )
        login = self._logins.of_credential(row.id)
        if login is not None:
            add_health(info, login, self._context.clock.time())
        borrowed = entry.borrowed.get(row.key)
        if borrowed is not None and borrowed.command is not None:
            add_command(info, self._context, self._commands, borrowed.command)
        return info

    def _forget_login(self, borrowed: Borrowed | None) -> None:
        login = self._logins.of_credential(borrowed.credential_id) if borrowed else None
        if login is not None:
            self._logins.forget(login.id)

    def _state(self, sealed: SealedSecret | None) -> str:
        sealer = self._context.sealer
        if sealed is None or sealer.sealed or sealed in self._readable:
            return "ok"
        try:
            sealer.unseal(sealed.blob, sealed.aad)
        except VaultError:
            return "unreadable"
        self._readable.add(sealed)
        return "ok"

    def _swap(self, entry: VaultEntry) -> None:
        self._context.snapshot = self._context.snapshot.with_vault(entry)

    def _check_open(self) -> None:
        if self._context.sealer.sealed:
            raise VaultError("sealed")


def _check_no_pool(entry: VaultEntry, keys: Sequence[str]) -> None:
    for key in keys:
        borrowed = entry.borrowed.get(key)
        if borrowed is not None and borrowed.kind is BorrowedKind.POOL:
            raise VaultError(
                "conflict", f"Credential {key} is a pool: `vault-tui pool delete {key}`."
            )


def checked_values(values: Mapping[str, str]) -> dict[str, bytes]:
    """As they are stored. Raises VaultError bad_request; no error shows a value."""
    if not values:
        raise VaultError("bad_request", "credentials names no credential")
    if len(values) > MAX_KEYS:
        raise VaultError("bad_request", f"credentials may name at most {MAX_KEYS} at once")
    return {check_credential_key(key): _value(key, text) for key, text in values.items()}


def _value(key: str, text: str) -> bytes:
    if not text:
        raise VaultError("bad_request", f"The value of {key} is empty.")
    try:
        value = text.encode()
    except UnicodeEncodeError:
        raise VaultError("bad_request", f"The value of {key} is not valid text.") from None
    if len(value) > MAX_VALUE_BYTES:
        limit = MAX_VALUE_BYTES // 1024
        raise VaultError("bad_request", f"The value of {key} is larger than {limit} KiB.")
    return value
