"""Between rows, values and what the API says: rules hold ids, and people read names."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.issuers import Issuer, Rule, UserBy
from proxy_core.domain.issuers.issuer import USUAL
from proxy_core.domain.names import InstanceRole, VaultRole, parse_instance_role, parse_vault_role
from proxy_core.domain.oauth.metadata import check_issuer
from proxy_core.domain.oauth.urls import check_endpoint_url
from proxy_core.domain.users import normal_email
from proxy_core.services.context import Context
from proxy_core.services.issuers.keys import IssuerKeys
from proxy_core.services.snapshot import Snapshot
from proxy_core.services.users.directory import Directory
from proxy_core.store.tables import IssuerRow


def row_of(
    name: str, asked: wire.IssuerFields, context: Context, new_id: str, allow_http: bool
) -> IssuerRow:
    """What is asked for as it is stored, names resolved now.

    Raises VaultError: bad_request, vault_not_found, not_found (an agent, a user).
    """
    check_issuer(asked.url, allow_http)
    if asked.jwks_url:
        check_endpoint_url(asked.jwks_url, "jwks_url", allow_http)
    row = IssuerRow(
        id=new_id,
        name=name,
        url=asked.url,
        audiences=list(dict.fromkeys(asked.audiences)),
        algorithms=list(dict.fromkeys(asked.algorithms)) or list(USUAL),
        jwks_url=asked.jwks_url,
        rules=[_document(rule, context) for rule in asked.rules],
        created_at=context.clock.time(),
    )
    issuer_of(row).check()
    return row


def issuer_of(row: IssuerRow) -> Issuer:
    """A row as a value."""
    return Issuer(
        id=row.id,
        name=row.name,
        url=row.url,
        audiences=tuple(row.audiences),
        algorithms=tuple(row.algorithms),
        jwks_url=row.jwks_url,
        rules=tuple(_rule(document) for document in row.rules),
    )


def info_of(row: IssuerRow, keys: IssuerKeys, context: Context) -> wire.IssuerInfo:
    """What operators are shown."""
    return wire.IssuerInfo(
        name=row.name,
        url=row.url,
        audiences=list(row.audiences),
        algorithms=list(row.algorithms),
        jwks_url=row.jwks_url,
        rules=[_shown(document, context) for document in row.rules],
        created_at=rfc3339(row.created_at),
        keys=key_names(keys),
        keys_fetched_at="" if keys.fetched_at is None else rfc3339(keys.fetched_at),
        problem=keys.problem,
    )


def key_names(keys: IssuerKeys) -> list[str]:
    """The names of the known keys; of one without a name, how its thumbprint begins."""
    return [key.id or key.thumbprint[:12] for key in keys.known.keys]


def _document(rule: wire.IssuerRule, context: Context) -> dict[str, Any]:
    """Without what is left to its default. Ids for names, and the names of now beside them."""
    role = parse_vault_role(rule.role)
    found: dict[str, Any] = {"claim": rule.claim}
    found |= {"equals": rule.equals} if rule.equals else {}
    found |= {"matches": rule.matches} if rule.matches else {}
    if rule.agent:
        found |= {"agent": rule.agent, "agent_id": _agent_id(rule.agent, context.snapshot)}
    if rule.vault:
        entry = context.vault(rule.vault)
        found |= {"vault": entry.name, "vault_id": entry.id}
        unknown = set(rule.services) - {one.name for one in entry.compiled.services}
        if unknown:
            raise VaultError("bad_request", f"Vault {entry.name} has no service {min(unknown)!r}.")
    if rule.user:
        found |= {"user": rule.user, "user_id": _user_id(rule.user, context.users)}
    found |= {"user_by": rule.user_by} if rule.user_by else {}
    found |= {"at_most": parse_instance_role(rule.at_most).value} if rule.at_most else {}
    if rule.vault or role is not VaultRole.PROXY:
        found["role"] = role.value
    if rule.services:
        found["services"] = sorted(set(rule.services))
    return found


def _user_id(name: str, users: Directory) -> str:
    user = users.by_email(normal_email(name))
    if user is None:
        raise VaultError("not_found", f"There is no user {name!r}.")
    return user.id


def _agent_id(name: str, snapshot: Snapshot) -> str:
    for bearer in snapshot.bearers.values():
        if bearer.is_agents_own and bearer.actor_name == name:
            return bearer.actor_id
    raise VaultError("not_found", f"There is no agent {name!r}.")


def _rule(document: Mapping[str, Any]) -> Rule:
    services = document.get("services")
    return Rule(
        claim=document["claim"],
        equals=document.get("equals", ""),
        matches=document.get("matches", ""),
        agent_id=document.get("agent_id", ""),
        vault_id=document.get("vault_id", ""),
        role=VaultRole(document.get("role", VaultRole.PROXY)),
        services=None if services is None else frozenset(services),
        user_id=document.get("user_id", ""),
        user_by=UserBy(document["user_by"]) if "user_by" in document else None,
        at_most=InstanceRole(document.get("at_most", InstanceRole.OWNER)),
    )


def _shown(document: Mapping[str, Any], context: Context) -> wire.IssuerRule:
    snapshot = context.snapshot
    agent = snapshot.agent(document.get("agent_id", ""))
    vault = snapshot.by_id.get(document.get("vault_id", ""))
    user = context.users.by_id(document.get("user_id", ""))
    return wire.IssuerRule(
        claim=document["claim"],
        equals=document.get("equals", ""),
        matches=document.get("matches", ""),
        agent="" if agent is None else agent.actor_name,
        vault="" if vault is None else vault.name,
        role=document.get("role", VaultRole.PROXY.value),
        services=list(document.get("services", ())),
        user="" if user is None else user.email,
        user_by=document.get("user_by", ""),
        at_most=document.get("at_most", ""),
    )
