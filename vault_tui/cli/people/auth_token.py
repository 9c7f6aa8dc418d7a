"""A token that is no longer cached: kept, refreshed, or of a new login at a terminal."""

import os

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.tokens import quick
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login
from vault_tui.cli.failures import say

_CHECK_SECONDS = 5.0


def current_token(refused_since: float | None = None) -> str:
    """The login's token; another one than that of `refused_since`, in epoch seconds. Without one,
    a person at a terminal is asked to sign in again.

    Raises VaultError as Holder.token, oauth_login_failed.
    """
    holder = Holder(Home.locate(), say)
    login = holder.login
    nobody_to_ask = login is None or login.vault or not quick.can_ask(os.environ)
    if login is None or nobody_to_ask or quick.has_tokens(os.environ):
        if refused_since is None:
            return holder.token()
        token = holder.renewed(refused_since)
        if login is not None and login.vault:
            _check_session(holder, login, token)
        return token
    from vault_tui.cli.people.auth_sign_in import Way, sign_in

    say("The login has ended: signing in again.")
    return sign_in(holder, login, Way(printed=login.printed))[1].printed


def _check_session(holder: Holder, login: Login, token: str) -> None:
    """End a login whose session the worker takes no longer: whoever asks hears of it, and no more
    in vain. Raises VaultError not_signed_in.
    """
    from proxy_core.client import calls
    from proxy_core.client.sync_client import SyncClient
    from proxy_core.client.target import Target

    try:
        target = Target.choose(addr=login.issuer, token=token, insecure=True)
        SyncClient(target, _CHECK_SECONDS).send(calls.discover(login.vault))
    except VaultError as error:
        if error.code == "unauthorized":
            holder.end(token)
            detail = f"The worker takes the session of vault {login.vault} no longer."
            raise VaultError("not_signed_in", detail) from None
