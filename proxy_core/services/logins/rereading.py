"""Logins that other workers have refreshed, connected or deleted."""

from collections.abc import Callable, Collection
from dataclasses import replace

from sqlmodel import Session

from proxy_core.services.context import Swap
from proxy_core.services.logins.login import Login
from proxy_core.services.logins.memory import Memory
from proxy_core.store import logins as store


def read_logins(
    session: Session,
    memory: Memory,
    remembered: Callable[[store.NamedLogin], Login],
    ids: Collection[str],
    vault_ids: Collection[str],
) -> Swap:
    """Read logins by their ids, and those of whole vaults. What changes here meanwhile stays."""
    since = memory.stamp
    named = store.list_logins(session, ids, vault_ids)
    found = {one.row.id: remembered(one) for one in named}
    asked = {*ids, *(login.id for login in memory if login.vault_id in vault_ids)}

    def swap() -> None:
        for login_id in {*asked, *found}:
            if not memory.unchanged(login_id, since):
                continue
            login = found.get(login_id)
            if login is None:
                memory.forget(login_id)
            elif not _same(memory.get(login_id), login):
                memory.put(login)

    return swap


def _same(known: Login | None, read: Login) -> bool:
    """Whether nothing is new. When to refresh is drawn by lot: that alone is no news."""
    return known is not None and replace(read, due_at=known.due_at) == known
