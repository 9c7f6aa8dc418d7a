"""Tokens as a provider issued them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose tokens they are, as far as the reply tells; empty texts otherwise."""

    email: str = ""
    account_id: str = ""
    organization_id: str = ""
    name: str = ""
    tier: str = ""


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a token endpoint answered, or an operator pasted. Its repr shows no token.

    `expires_at` is in epoch seconds; None: the provider told no end. `refresh_token` None: there
    is none. `scopes` is empty when the reply names none, which means: as asked (RFC 6749 5.1).
    """

    access_token: bytes = field(repr=False)
    refresh_token: bytes | None = field(default=None, repr=False)
    expires_at: float | None = None
    scopes: tuple[str, ...] = ()
    subject: Subject = Subject()
