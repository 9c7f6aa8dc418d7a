"""What is read again for what was touched. A vault brings its logins and accounts with it."""

from collections.abc import Callable, Sequence

from sqlmodel import Session

from proxy_core.services.accounts.rereading import Rereading
from proxy_core.services.context import Swap
from proxy_core.services.following.wanted import Wanted
from proxy_core.services.logins import Logins
from proxy_core.store import vaults
from proxy_core.store.tables import Credential
from proxy_core.store.touched import Scope

Part = Callable[[Session, Wanted], Swap]
"""Reads its part of what is wanted, in a store's thread; what it answers puts that in force."""

Single = Callable[[Session], Swap]
"""Reads what there is one of."""


class Reloading:
    """`parts` come first, then logins, accounts, and what there is one of.

    Order matters where one names another: a vault's accounts are those of a vault that is known.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        logins: Logins,
        accounts: Rereading,
        singles: Sequence[tuple[Scope, Single]],
    ) -> None:
        self._parts = parts
        self._logins = logins
        self._accounts = accounts
        self._singles = singles

    def read(self, session: Session, wanted: Wanted) -> Sequence[Swap]:
        """Runs in a store's thread; the answers are to be called in the loop, in order."""
        swaps = [part(session, wanted) for part in self._parts]
        touched = wanted.ids(Scope.VAULT, Scope.CREDENTIALS, Scope.ACCOUNTS) | self._of_pools(
            session, wanted
        )
        if wanted.everything:
            touched = frozenset(row.id for row in vaults.list_vaults(session))
        logins = wanted.ids(Scope.LOGIN)
        if logins or touched:
            swaps.append(self._logins.read(session, logins, touched))
        if touched:
            swaps.append(self._accounts.read(session, touched))
        if use := wanted.ids(Scope.USE) - touched:
            swaps.append(self._accounts.read_use(session, use))
        return [*swaps, *(read(session) for scope, read in self._singles if wanted.has(scope))]

    @staticmethod
    def _of_pools(session: Session, wanted: Wanted) -> frozenset[str]:
        """The vaults of pools. One that is gone was told of by its vault."""
        found = [session.get(Credential, one) for one in wanted.ids(Scope.POOL)]
        return frozenset(row.vault_id for row in found if row is not None)
