"""A JWT's holder: an agent with all that is granted to it now, somebody with a vault's role, or a
user as the directory has them now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.exchange import ActorType
from proxy_core.domain.issuers import Issuer, Rule, auth_time
from proxy_core.domain.issuers.issuer import email_is_verified
from proxy_core.domain.issuers.presented import refused
from proxy_core.domain.names import InstanceRole
from proxy_core.services.snapshot import Bearer, Snapshot
from proxy_core.services.users.directory import Directory, User

_NAME_SHOWN: Final = 64
_BEARER: Final = tuple(field.name for field in fields(Bearer))


@dataclass(frozen=True, slots=True)
class Proof:
    """What a JWT has proved: by which issuer's word and key, until when, by its own `exp`."""

    sha256: bytes
    issuer_id: str
    issuer_name: str
    key: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched(Bearer):
    """The holder of a JWT; an agent's `actor_id` is the agent's."""

    proof: Proof

    def anew(self, agents: Mapping[str, Bearer], snapshot: Snapshot) -> "Vouched | None":
        """The holder as the snapshot, whose `agents` are given by id, has it; None: no more."""
        if self.actor_type is ActorType.AGENT:
            agent = agents.get(self.actor_id)
            return None if agent is None else _as_agent(agent, self.proof)
        return self if self.grants.keys() <= snapshot.by_id.keys() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VouchedUser(Vouched):
    """The holder of a JWT that stands for a user: nobody on the data path, so no grant is in it.

    The user is the one of that id, or else whoever has that name. `signed_in_at`: when the person
    last proved to the issuer who it is, in epoch seconds; None where the token does not say it.
    """

    user_id: str = ""
    user_name: str = ""
    at_most: InstanceRole = InstanceRole.OWNER
    signed_in_at: float | None = None

    def user(self, users: Directory) -> User | None:
        """The user as of now, with the instance role that the rule leaves; None: there is none."""
        found = users.by_id(self.user_id) if self.user_id else users.by_email(self.user_name)
        if found is None or self.at_most.at_least(found.role):
            return found
        return replace(found, role=self.at_most)


def holder(
    issuer: Issuer,
    rule: Rule,
    claims: Mapping[str, Any],
    proof: Proof,
    snapshot: Snapshot,
    users: Directory,
) -> Vouched:
    """Whom the rule lets a token stand for. Raises VaultError unauthorized: it is gone, or over."""
    if rule.user_id or rule.user_by:
        return _as_user(rule, claims, proof, users)
    if rule.agent_id:
        agent = snapshot.agent(rule.agent_id)
        if agent is None:
            raise refused("the agent that it would stand for was deleted")
        return _as_agent(agent, proof)
    if rule.vault_id not in snapshot.by_id:
        raise refused("the vault that it would be for was deleted")
    services = {} if rule.services is None else {rule.vault_id: rule.services}
    return Vouched(
        sha256=proof.sha256,
        actor_type=ActorType.SESSION,
        actor_id=_actor_id(issuer, claims),
        actor_name=f"{_name(claims)}@{issuer.name}",
        grants={rule.vault_id: rule.role},
        services=services,
        expires_at=proof.until,
        proof=proof,
    )


def _as_user(rule: Rule, claims: Mapping[str, Any], proof: Proof, users: Directory) -> VouchedUser:
    held = VouchedUser(
        sha256=proof.sha256,
        actor_type=ActorType.USER,
        actor_id=rule.user_id,
        actor_name="",
        grants={},
        expires_at=proof.until,
        proof=proof,
        user_id=rule.user_id,
        user_name="" if rule.user_id else rule.user_name(claims),
        at_most=rule.at_most,
        signed_in_at=auth_time(claims),
    )
    user = held.user(users)
    if user is None:
        raise refused("the user that it would stand for is not there")
    return replace(held, actor_id=user.id, actor_name=user.email)


def _as_agent(agent: Bearer, proof: Proof) -> Vouched:
    known = {name: getattr(agent, name) for name in _BEARER}
    until = min(agent.expires_at, proof.until)
    return Vouched(**{**known, "sha256": proof.sha256, "expires_at": until}, proof=proof)


def _actor_id(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    """The same for all tokens of one subject, and for no other."""
    return f"{issuer.id}-{sha256(str(claims['sub']).encode()).hexdigest()[:16]}"


def _name(claims: Mapping[str, Any]) -> str:
    """What people know the subject by, if its issuer vouches for it."""
    email = claims.get("email")
    known = isinstance(email, str) and email and email_is_verified(claims)
    return display_safe(str(email if known else claims["sub"]), _NAME_SHOWN)


def not_fitting() -> VaultError:
    """No rule is about such a token."""
    return refused("no rule says whom it stands for")
