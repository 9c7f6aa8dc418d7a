"""Names that people and agents choose, and the roles they are given."""

import re
from enum import StrEnum

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

SLUG_MIN, SLUG_MAX = 3, 64
CREDENTIAL_KEY_MAX = 128
DEFAULT_VAULT = "default"
"""The vault that is there from the first, cannot be deleted, and is meant where none is named."""

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_CREDENTIAL_KEY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


class _Ranked(StrEnum):
    """Roles in ascending order of declaration."""

    def at_least(self, other: "_Ranked") -> bool:
        """Whether this role may do what `other` may. Raises TypeError for one of another kind."""
        if type(self) is not type(other):
            raise TypeError(f"{type(self).__name__} cannot be compared with {type(other).__name__}")
        order = list(type(self))
        return order.index(self) >= order.index(other)


class VaultRole(_Ranked):
    """What a holder may do in one vault: use it, keep it, or rule it."""

    PROXY = "proxy"
    MEMBER = "member"
    ADMIN = "admin"


class InstanceRole(_Ranked):
    """What a holder may do on the whole worker."""

    NO_ACCESS = "no-access"
    MEMBER = "member"
    OWNER = "owner"


def is_slug(text: str) -> bool:
    """3 to 64 lower-case letters, digits and single hyphens inside."""
    return SLUG_MIN <= len(text) <= SLUG_MAX and _SLUG.fullmatch(text) is not None


def check_slug(text: str, what: str = "name") -> str:
    """Return `text` if it is a slug. Raises VaultError bad_request that says what is wrong."""
    if is_slug(text):
        return text
    raise VaultError(
        "bad_request",
        f"{what} {display_safe(repr(text), 80)} must be {SLUG_MIN} to {SLUG_MAX} characters of "
        "a-z, 0-9 and single hyphens, and start and end with a letter or digit",
    )


def check_agent_name(text: str) -> str:
    """Return `text` if it can name an agent: a slug. Raises VaultError bad_request."""
    return check_slug(text, "agent name")


def check_vault_name(text: str) -> str:
    """Return `text` if it can name a vault: a slug. Raises VaultError bad_request."""
    return check_slug(text, "vault name")


def is_credential_key(text: str) -> bool:
    """UPPER_SNAKE_CASE that starts with a letter, at most 128 characters."""
    return len(text) <= CREDENTIAL_KEY_MAX and _CREDENTIAL_KEY.fullmatch(text) is not None


def check_credential_key(text: str, what: str = "credential key") -> str:
    """Return `text` if it is a credential key. Raises VaultError bad_request."""
    if is_credential_key(text):
        return text
    raise VaultError(
        "bad_request",
        f"{what} {display_safe(repr(text), 80)} must be UPPER_SNAKE_CASE: A-Z, 0-9 and "
        f"underscores, a letter first, at most {CREDENTIAL_KEY_MAX} characters",
    )


def parse_vault_role(text: str) -> VaultRole:
    """The role of that name. Raises VaultError bad_request that names the choices."""
    try:
        return VaultRole(text)
    except ValueError:
        raise _unknown_role(text, VaultRole) from None


def parse_instance_role(text: str) -> InstanceRole:
    """The role of that name. Raises VaultError bad_request that names the choices."""
    try:
        return InstanceRole(text)
    except ValueError:
        raise _unknown_role(text, InstanceRole) from None


def _unknown_role(text: str, roles: type[_Ranked]) -> VaultError:
    choices = ", ".join(roles)
    return VaultError("bad_request", f"role {display_safe(repr(text), 80)} is not one of {choices}")
