"""A token that is no longer cached: kept, refreshed, or of a new login at a terminal."""

import os

from proxy_core.base.paths import Home
from proxy_core.tokens import quick
from proxy_core.tokens.holder import Holder
from vault_tui.cli.failures import say


def current_token() -> str:
    """The login's token. Without one, a person at a terminal is asked to sign in again.

    Raises VaultError as Holder.token, oauth_login_failed.
    """
    holder = Holder(Home.locate(), say)
    login = holder.login
    if login is None or login.vault or not quick.can_ask(os.environ):
        return holder.token()
    if quick.has_tokens(os.environ):
        return holder.token()
    from vault_tui.cli.auth_sign_in import Way, sign_in

    say("The login has ended: signing in again.")
    return sign_in(holder, login, Way(printed=login.printed))[1].printed
