"""A token that is no longer cached: kept, refreshed, or of a new login at a terminal."""

import os

from proxy_core.base.paths import Home
from proxy_core.tokens import quick
from proxy_core.tokens.holder import Holder
from vault_tui.cli.failures import say


def current_token(refused_since: float | None = None) -> str:
    """The login's token; another one than that of `refused_since`, in epoch seconds. Without one,
    a person at a terminal is asked to sign in again.

    Raises VaultError as Holder.token, oauth_login_failed.
    """
    holder = Holder(Home.locate(), say)
    login = holder.login
    nobody_to_ask = login is None or login.vault or not quick.can_ask(os.environ)
    if login is None or nobody_to_ask or quick.has_tokens(os.environ):
        return holder.token() if refused_since is None else holder.renewed(refused_since)
    from vault_tui.cli.auth_sign_in import Way, sign_in

    say("The login has ended: signing in again.")
    return sign_in(holder, login, Way(printed=login.printed))[1].printed
