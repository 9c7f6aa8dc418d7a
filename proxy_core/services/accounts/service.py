"""Accounts and pools, wired together: what the application has."""

from proxy_core.services.accounts.adding import AddingAccounts
from proxy_core.services.accounts.admin import AccountAdmin
from proxy_core.services.accounts.keeping import Keeping
from proxy_core.services.accounts.observer import Observer
from proxy_core.services.accounts.polling import Polling, UsageSource
from proxy_core.services.accounts.pool_lender import PoolLender
from proxy_core.services.accounts.pools import Pools
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.context import Context
from proxy_core.services.logins import Logins


class Accounts:
    """`admin` and `adding` are for operators, `lender` for requests, `keeping` and `polling` for
    the background.
    """

    def __init__(self, context: Context, logins: Logins, allow_http_loopback: bool = False) -> None:
        self.state = AccountState(context, logins)
        self.observer = Observer(self.state)
        self.lender = PoolLender(self.state, self.observer)
        self.keeping = Keeping(self.state)
        self.polling = Polling(self.state, self.observer)
        self.admin = AccountAdmin(self.state, self.polling)
        self.adding = AddingAccounts(self.state, allow_http_loopback)
        self.pools = Pools(self.state, self.keeping)

    def attach(self, usage: UsageSource) -> None:
        """Say how providers are asked for quota."""
        self.polling.attach(usage)
