"""OAuth logins: one refreshable grant each, of a credential or of an account."""

from proxy_core.services.logins.lender import LoginLender
from proxy_core.services.logins.login import Login, LoginAccess, LoginState, LoginStatus
from proxy_core.services.logins.logins import Logins
from proxy_core.services.logins.proving import proven
from proxy_core.services.logins.source import NoTokens, TokenSource

__all__ = [
    "Login",
    "LoginAccess",
    "LoginLender",
    "LoginState",
    "LoginStatus",
    "Logins",
    "NoTokens",
    "TokenSource",
    "proven",
]
