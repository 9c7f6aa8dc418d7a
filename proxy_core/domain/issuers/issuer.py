"""An issuer that is trusted, and the rules by which its claims become an agent or a vault's role.

    {claim: email,  matches: "*@example.com", agent: ci-bot}
    {claim: groups, equals: dev, vault: work, role: proxy, services: [github]}

The first rule that fits decides; a token that none fits is refused. A claim is named as it stands
in the token, or as a path into it (`realm_access.roles`). Of a list any element may fit, of
`scope` any word. `equals` compares exactly, `matches` lets `*` stand for any characters. `email`
counts only where the issuer says that it has verified it: many let people type what they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import quoted
from proxy_core.domain.globs import compile_glob
from proxy_core.domain.names import VaultRole, check_slug

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


@dataclass(frozen=True, slots=True)
class Rule:
    """From a claim to an agent (`agent_id`), or to a role in a vault, perhaps for some `services`.

    One of `equals` and `matches` is set, and one of `agent_id` and `vault_id`.
    """

    claim: str
    equals: str = ""
    matches: str = ""
    agent_id: str = ""
    vault_id: str = ""
    role: VaultRole = VaultRole.PROXY
    services: frozenset[str] | None = None

    def check(self) -> None:
        """Raises VaultError bad_request, which says what is wrong with it."""
        if not self.claim or bool(self.equals) is bool(self.matches):
            raise _bad("a rule names a claim, and either what it equals or what it matches")
        if bool(self.agent_id) is bool(self.vault_id):
            raise _bad("a rule leads either to an agent or to a vault")
        if max(map(len, (self.claim, self.equals, self.matches))) > MAX_TEXT:
            raise _bad(f"a rule's texts have at most {MAX_TEXT} characters")
        if self.agent_id and (self.services is not None or self.role is not VaultRole.PROXY):
            raise _bad("an agent's grants say its roles and services; leave them out of the rule")
        if self.services is not None and self.role is not VaultRole.PROXY:
            raise _bad("a rule for some services goes with the role proxy only")

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is about a token with these claims."""
        if self.claim == "email" and not email_is_verified(claims):
            return False
        values = claim_values(claims, self.claim)
        if self.equals:
            return self.equals in values
        return any(map(compile_glob(self.matches).matches, values))


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
