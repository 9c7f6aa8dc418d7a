"""What is dangerous about the services of a proposal, one at a time."""

from collections.abc import Iterator

from proxy_core.domain.cloud.aws_hosts import service_of
from proxy_core.domain.cloud.minted import keys_beside, minted_key
from proxy_core.domain.proposals.assessment import Facts, Level, Risk
from proxy_core.domain.proposals.diff import ServiceDiff
from proxy_core.domain.proposals.reach import keeps_rules, meets, restricts
from proxy_core.domain.proposals.strange_names import strange_names
from proxy_core.domain.service import AuthType, Service
from proxy_core.domain.service_document import credential_keys

_GIVE_OUT_KEYS = frozenset(("iam", "sts", "*"))
"""AWS' services whose answers hold keys; a wildcard over services covers them."""


def name(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """How much the host's name covers, and what it may be taken for."""
    if one.after is None or (one.before is not None and one.before.host == one.after.host):
        return
    host = one.after.host
    if host.startswith("*."):
        yield Risk(
            Level.MEDIUM, "wildcard", one.name, f"Covers every name of one label under {host[2:]}."
        )
    for code, text in strange_names(host, facts.known_hosts):
        level = Level.MEDIUM if code == "address" else Level.HIGH
        yield Risk(level, code, one.name, text)


def weaker(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """What protected an existing service and would not any more."""
    before, after = one.before, one.after
    if before is None:
        return
    if after is None:
        level = Level.HIGH if restricts(before) else Level.MEDIUM
        lost = ", with the rules that deny or ask" if restricts(before) else ""
        yield Risk(level, "deletes_service", one.name, f"Deletes the service {one.name}{lost}.")
        return
    if before == after:
        return
    yield Risk(
        Level.MEDIUM,
        "replaces_service",
        one.name,
        f"Changes the existing service {one.name}: {', '.join(name for name, _, _ in one.fields)}.",
    )
    if not keeps_rules(before, after):
        yield Risk(
            Level.HIGH,
            "weakens_rules",
            one.name,
            f"Requests that rules of {one.name} deny or ask about now may pass.",
        )
    if before.enabled != after.enabled:
        verb = "Enables" if after.enabled else "Disables"
        yield Risk(Level.MEDIUM, "switches_service", one.name, f"{verb} the service {one.name}.")


def overtakes(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """A service beside another on one host may take requests from it, past its rules."""
    after = one.after
    if after is None or one.before == after or not after.enabled:
        return
    touched = {other.name for other in facts.diff.services}
    for other in facts.before.services:
        if other.name in touched or not other.enabled or not meets(after, other):
            continue
        level = Level.HIGH if restricts(other) else Level.MEDIUM
        past = ", past its rules that deny or ask" if restricts(other) else ""
        yield Risk(
            level,
            "overtakes_service",
            one.name,
            f"{after.pattern} may take requests from the service {other.name}"
            f" ({other.pattern}){past}.",
        )


def way(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """How the credential travels, and what comes back."""
    after, before = one.after, one.before
    if after is None or not credential_keys(after):
        return
    if after.allow_http and not (before and before.allow_http):
        yield Risk(
            Level.HIGH, "plain_http", one.name, "Sends the credential over plain http, unprotected."
        )
    if not after.scrub and (before is None or before.scrub):
        yield Risk(
            Level.HIGH,
            "scrub_off",
            one.name,
            "Leaves secrets in responses: an upstream that echoes them shows them to the agent.",
        )


def kind(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """What a service lets pass, and what it keeps."""
    after = one.after
    if after is None or one.before == after:
        return
    if after.auth.type is AuthType.PASSTHROUGH and not credential_keys(after):
        yield Risk(Level.LOW, "passthrough", one.name, "Lets requests pass without a credential.")
    elif _is_broad(after):
        yield Risk(
            Level.LOW,
            "broad",
            one.name,
            f"Allows every method on every path of {after.pattern}.",
        )
    if after.capture and not (one.before and one.before.capture):
        yield Risk(
            Level.MEDIUM,
            "captures_logins",
            one.name,
            f"Keeps the tokens of agents that log in at {after.pattern}.",
        )


def keys(_: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """Keys that AWS makes: which ones sign, and which the agent could have for itself."""
    after, before = one.after, one.before
    if after is None:
        return
    signs_as_before = before is not None and before.auth == after.auth
    if _gives_out_keys(after) and not (signs_as_before and before and _gives_out_keys(before)):
        yield Risk(
            Level.HIGH,
            "gives_out_keys",
            one.name,
            f"{after.pattern} makes AWS keys on demand: the agent could ask for some of its own, "
            "which responses show and which outlast this service.",
        )
    role = after.auth.role_arn
    if role and not (before and before.auth.role_arn == role):
        yield Risk(
            Level.MEDIUM,
            "assumes_role",
            one.name,
            f"Signs as the role {role}, with every right that it has.",
        )


def past_role(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """Keys that only led to a role, used themselves, by this service or by another one."""
    after, before = one.after, one.before
    if after is None or after.auth.role_arn:
        return
    had = credential_keys(before) if before and not before.auth.role_arn else ()
    used = set(credential_keys(after)).difference(had)
    roles = {
        other.auth.role_arn
        for other in facts.before.services
        if other.auth.role_arn and used & {minted_key(other.auth), *keys_beside(other.auth)}
    }
    if roles:
        yield Risk(
            Level.HIGH,
            "past_role",
            one.name,
            "Uses stored keys themselves, with every right that they have, and not the role that "
            f"they lead to elsewhere: {', '.join(sorted(roles))}.",
        )


def gateway(facts: Facts, one: ServiceDiff) -> Iterator[Risk]:
    """Where tools that take a base URL get to."""
    after = None if one.after is None else one.after.gateway
    before = None if one.before is None else one.before.gateway
    if after is None or after == before:
        return
    holder = next((o for o in facts.before.services if _has_prefix(o, after.prefix)), None)
    if holder is None or holder.gateway is None:
        text = f"Serves {after.upstream} to tools that take a base URL, as /{after.prefix}/."
        yield Risk(Level.LOW, "opens_gateway", one.name, text)
        return
    yield Risk(
        Level.HIGH,
        "moves_gateway",
        one.name,
        f"Tools that use the base URL /{after.prefix}/ would reach {after.upstream}, "
        f"and no more {holder.gateway.upstream}, with what they send.",
    )


def _has_prefix(service: Service, prefix: str) -> bool:
    return service.gateway is not None and service.gateway.prefix == prefix


def _gives_out_keys(service: Service) -> bool:
    """Whether requests to IAM or STS would be signed."""
    signs = service.auth.type is AuthType.AWS_SIGV4
    return signs and (service.auth.service or service_of(service.host)) in _GIVE_OUT_KEYS


def _is_broad(service: Service) -> bool:
    return service.path in ("", "/*") and not restricts(service)
