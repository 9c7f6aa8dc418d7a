"""An issuer that is trusted, and the rules by which its claims become an agent, a vault's role or
a user.

    {claim: email,  matches: "*@example.com", agent: ci-bot}
    {claim: groups, equals: dev, vault: work, role: proxy, services: [github]}
    {claim: email,  matches: "*@example.com", user_by: email, at_most: member}

The first rule that fits decides; a token that none fits is refused. A claim is named as it stands
in the token, or as a path into it (`realm_access.roles`). Of a list any element may fit, of
`scope` any word. `equals` compares exactly, `matches` lets `*` stand for any characters. An
address counts only where the issuer says that it has verified it: many let people type what they
like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import quoted
from proxy_core.domain.globs import compile_glob
from proxy_core.domain.issuers.presented import refused
from proxy_core.domain.names import InstanceRole, VaultRole, check_slug
from proxy_core.domain.users import normal_email

ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Signatures that may be trusted, and the kind and curve of their keys. `none` and the HMACs are
not among them: whoever can check an HMAC can also make one.
"""
USUAL: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""Trusted where an issuer's configuration names none."""
MAX_RULES, MAX_AUDIENCES, MAX_TEXT = 50, 10, 256
_WORDS: Final = frozenset({"scope", "scp"})
"""Claims that hold words with blanks between them (RFC 8693 4.2)."""


class UserBy(StrEnum):
    """What a claim says of the user whom it names: the address, which is in `email` and which the
    issuer must have verified, or a name that the issuer alone gives.
    """

    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Rule:
    """From a claim to an agent (`agent_id`), to a role in a vault, perhaps for some `services`, or
    to a user: the one of `user_id`, or whom the claim itself names (`user_by`), who then is an
    owner or a member no further than `at_most`.

    One of `equals` and `matches` is set, and one of `agent_id`, `vault_id`, `user_id`, `user_by`.
    """

    claim: str
    equals: str = ""
    matches: str = ""
    agent_id: str = ""
    vault_id: str = ""
    role: VaultRole = VaultRole.PROXY
    services: frozenset[str] | None = None
    user_id: str = ""
    user_by: UserBy | None = None
    at_most: InstanceRole = InstanceRole.OWNER

    def check(self) -> None:
        """Raises VaultError bad_request, which says what is wrong with it."""
        if not self.claim or bool(self.equals) is bool(self.matches):
            raise _bad("a rule names a claim, and either what it equals or what it matches")
        if sum(map(bool, (self.agent_id, self.vault_id, self.user_id, self.user_by))) != 1:
            raise _bad("a rule leads either to an agent, to a vault or to a user")
        if max(map(len, (self.claim, self.equals, self.matches))) > MAX_TEXT:
            raise _bad(f"a rule's texts have at most {MAX_TEXT} characters")
        if not self.vault_id and (self.services is not None or self.role is not VaultRole.PROXY):
            raise _bad(
                "the grants of an agent or a user say the roles and services; leave them out"
            )
        if self.services is not None and self.role is not VaultRole.PROXY:
            raise _bad("a rule for some services goes with the role proxy only")
        if self.user_by is UserBy.EMAIL and self.claim != "email":
            raise _bad("only `email` is an address that issuers verify; name users by `name`")
        if self.at_most is not InstanceRole.OWNER and not (self.user_id or self.user_by):
            raise _bad("at_most is about users")

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is about a token with these claims."""
        return bool(self._fitting(claims))

    def user_name(self, claims: Mapping[str, Any]) -> str:
        """How the user is called whom a fitting token names (`user_by`).

        Raises VaultError unauthorized: that is no name, or there are several.
        """
        values = set(self._fitting(claims))
        value = values.pop() if len(values) == 1 else ""
        # Letters that become ASCII in lower case would let somebody be called like another.
        usable = value.isascii() and value == value.strip()
        try:
            if usable and ("@" in value or self.user_by is UserBy.NAME):
                return normal_email(value)
        except VaultError:
            pass
        raise refused(f"its {quoted(self.claim)} is not one user's {self.user_by}")

    def _fitting(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        if self.claim == "email" and not email_is_verified(claims):
            return ()
        values = claim_values(claims, self.claim)
        if self.equals:
            return (self.equals,) if self.equals in values else ()
        return tuple(filter(compile_glob(self.matches).matches, values))


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer; `url` is its `iss`, to the letter. `jwks_url` empty: where its metadata says."""

    id: str
    name: str
    url: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...] = USUAL
    jwks_url: str = ""
    rules: tuple[Rule, ...] = ()

    def check(self) -> None:
        """Everything but the URLs. Raises VaultError bad_request."""
        check_issuer_name(self.name)
        if not 1 <= len(self.audiences) <= MAX_AUDIENCES or "" in self.audiences:
            raise _bad(f"an issuer needs 1 to {MAX_AUDIENCES} audiences: whom its tokens are for")
        if max(map(len, self.audiences)) > MAX_TEXT:
            raise _bad(f"an audience has at most {MAX_TEXT} characters")
        if unknown := [one for one in self.algorithms if one not in ALGORITHMS]:
            raise _bad(f"algorithm {quoted(unknown[0])} is not one of {', '.join(ALGORITHMS)}")
        if not 1 <= len(self.rules) <= MAX_RULES or not self.algorithms:
            raise _bad(f"an issuer needs 1 to {MAX_RULES} rules and an algorithm")
        for rule in self.rules:
            rule.check()

    def rule_for(self, claims: Mapping[str, Any]) -> Rule | None:
        """The first rule that fits."""
        return next((rule for rule in self.rules if rule.fits(claims)), None)


def check_issuer_name(name: str) -> str:
    """Return `name` if it can name an issuer: a slug. Raises VaultError bad_request."""
    return check_slug(name, "issuer name")


def claim_values(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The texts that a claim holds, none when it holds no text."""
    value = claims[name] if name in claims else _below(claims, name)
    if isinstance(value, str):
        return tuple(value.split()) if name in _WORDS else (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def email_is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer vouches for the address; some say so in a text."""
    said = claims.get("email_verified")
    return said is True or said == "true"


def _below(claims: Mapping[str, Any], path: str) -> Any:
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _bad(why: str) -> VaultError:
    return VaultError("bad_request", f"issuer: {why}")
