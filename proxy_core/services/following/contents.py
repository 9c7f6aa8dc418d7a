"""Vaults that other workers have made, changed or deleted: services, credentials, policy, name."""

from sqlmodel import Session

from proxy_core.services.context import Context, Swap
from proxy_core.services.following.wanted import Wanted
from proxy_core.services.loading import load_vault, reload_credentials
from proxy_core.services.snapshot import VaultEntry
from proxy_core.services.vaults import Vaults
from proxy_core.store import vaults as store
from proxy_core.store.touched import Scope


class Contents:
    """Reads a touched vault whole, or its credentials alone."""

    def __init__(self, context: Context, vaults: Vaults) -> None:
        self._context = context
        self._vaults = vaults

    def read(self, session: Session, wanted: Wanted) -> Swap:
        """Runs in a store's thread."""
        known = self._context.snapshot.by_id
        every, credentials = wanted.everything, wanted.ids(Scope.CREDENTIALS)
        ids = wanted.ids(Scope.VAULT) | (credentials - known.keys())
        rows = store.list_vaults(session) if every or ids else []
        entries = [
            load_vault(session, row, known.get(row.id)) for row in rows if every or row.id in ids
        ]
        gone = (frozenset(known) if every else ids) - {entry.id for entry in entries}
        if not every:
            entries += [reload_credentials(session, known[one]) for one in credentials - ids]

        def swap() -> None:
            for vault_id in gone:
                self._vaults.forget(vault_id)
            for entry in entries:
                self._put(entry)

        return swap

    def _put(self, entry: VaultEntry) -> None:
        usage = self._context.usage
        self._vaults.put(entry)
        usage.keep_services(entry.name, {service.name for service in entry.compiled.services})
        for place in [one for one in usage.credentials if one[0] == entry.name]:
            if place[1] not in entry.secrets and place[1] not in entry.borrowed:
                del usage.credentials[place]
