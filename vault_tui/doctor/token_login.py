"""The login of `vault-tui auth token`, and whether its issuer answers."""

import time
from email.utils import parsedate_to_datetime

from proxy_core.base.errors import VaultError
from proxy_core.base.os_keyring import bounded, find_backend
from proxy_core.base.paths import Home
from proxy_core.domain.doctor import TokenLogin
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.metadata import metadata_urls
from proxy_core.tokens.https import Https
from proxy_core.tokens.login import Login, LoginDirectory

_SECONDS = 2.0


def token_login_facts(home: Home) -> TokenLogin | None:
    """None where it cannot be read; that is told by the command itself. No token is read."""
    directory = LoginDirectory(home)
    try:
        login = directory.load()
        made_at = directory.made_at if login is not None else 0.0
    except (VaultError, OSError):
        return None
    if login is None:
        return TokenLogin()
    lives = login.expires_at is None or login.expires_at > time.time()
    unreachable, clock = _asked(login)
    return TokenLogin(
        usable=bool(login.kept) and (lives or login.refreshable),
        issuer="" if login.vault else login.issuer,
        of_worker=bool(login.vault),
        life=None if login.expires_at is None else max(0.0, login.expires_at - made_at),
        failure=directory.failure_since(made_at),
        unreachable=unreachable,
        keyring_problem=_keyring_problem() if login.kept == "keyring" else "",
        clock=clock,
    )


def _asked(login: Login) -> tuple[str, float | None]:
    """Why the issuer does not answer, and its clock against ours: by the metadata that it
    publishes for everybody.
    """
    if login.vault or not login.kept:
        return "", None
    try:
        http = Https.to(login.issuer, ca_file=login.ca_file, total_seconds=_SECONDS)
        reply = http.get(metadata_urls(login.issuer)[0], {})
    except TokenError as error:
        return error.detail, None
    try:
        return "", parsedate_to_datetime(reply.headers.get("date", "")).timestamp() - time.time()
    except (ValueError, OverflowError):
        return "", None


def _keyring_problem() -> str:
    try:
        bounded(find_backend, _SECONDS)
    except VaultError as error:
        return error.detail
    return ""
