"""What users may be called and what their passwords must be."""

import re
from typing import Final

from proxy_core.base.errors import VaultError

NAME_MAX: Final = 254
PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 1024
RESERVED: Final = frozenset({"me", "invites"})
"""Words that stand in paths where a name would."""

_LOCAL = r"[a-z0-9](?:[a-z0-9._%+-]{0,62}[a-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_NAME = re.compile(rf"{_LOCAL}(?:@{_DOMAIN})?", re.ASCII)


def normal_email(text: str) -> str:
    """An e-mail address or login name as it is stored and compared: in lower case.

    ASCII alone, so that no two names look alike. Raises VaultError: bad_request.
    """
    name = text.strip().lower()
    if len(name) > NAME_MAX or name in RESERVED or _NAME.fullmatch(name) is None:
        raise VaultError(
            "bad_request",
            "email must be an e-mail address or a login name: letters, digits and . _ % + - of "
            f"ASCII, at most {NAME_MAX} characters",
        )
    return name


def check_password(password: str, email: str) -> bytes:
    """A new password as bytes. Raises VaultError: bad_request, which never quotes it."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise VaultError(
            "bad_request", f"The password must have {PASSWORD_MIN} to {PASSWORD_MAX} characters."
        )
    if password.lower() in (email, email.partition("@")[0]):
        raise VaultError("bad_request", "The password must not be the user's name.")
    return password_bytes(password)


def login_failed() -> VaultError:
    """What everybody is told who is not let in, in the same words, whatever was wrong."""
    return VaultError("login_failed", "The name or the password is wrong.")


def password_bytes(password: str) -> bytes:
    """A password as it is hashed. Lone surrogates, which UTF-8 can't spell, match nothing."""
    return password.encode("utf-8", "surrogatepass")
