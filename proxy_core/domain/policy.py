"""Whether a request may go on, and with which service. Runs for every request.

A request without a service goes on without a credential, or is refused where the vault says so. A
request with a service goes on unless the service is disabled, its first matching rule denies, or a
credential would travel over plain http without leave.
"""

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Decision, RequestFacts
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.matching import Entry, ServiceIndex, ambiguous_path
from proxy_core.domain.service import Action, AuthType, UnmatchedHostPolicy
from proxy_core.domain.target import is_plain, spellings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SUPPORTED_AUTH_TYPES = tuple(AuthType)
PROPOSAL_ENDPOINT = "POST /v1/proposals"
_ENCRYPTED = frozenset(("https", "wss"))
_DEFAULT_PORT = 443


def decide(
    index: ServiceIndex,
    unmatched_policy: UnmatchedHostPolicy,
    facts: RequestFacts,
    allow_http: bool,
    vault: str,
) -> Decision:
    """Decide one request. `allow_http` is the worker's own leave for every service.

    Raises VaultError: bad_request, forbidden (proposal_hint), service_disabled, method_not_allowed
    and path_not_allowed (allowed_methods), http_not_allowed, trace_not_allowed.
    """
    method = facts.method.upper()
    if method == "TRACE":
        raise VaultError("trace_not_allowed", "TRACE would echo the credential; it is refused")
    entry = index.lookup(facts.host, facts.port, facts.path)
    if entry is None:
        return _unmatched(unmatched_policy, facts, vault)
    service = entry.service
    if not service.enabled:
        raise VaultError("service_disabled", f"service {service.name} is disabled")
    position = _check_rules(entry, method, facts.path) if entry.rules else -1
    if entry.keys and facts.scheme not in _ENCRYPTED and not (service.allow_http or allow_http):
        raise VaultError(
            "http_not_allowed", f"service {service.name} sends its credential over https only"
        )
    return entry.decisions.get((vault, position)) or _remember(entry, vault, position)


def _unmatched(policy: UnmatchedHostPolicy, facts: RequestFacts, vault: str) -> Decision:
    if policy is UnmatchedHostPolicy.PASSTHROUGH:
        return Decision(vault, None, "no service covers this request: forwarded without credential")
    host = format_authority(facts.host, facts.port, _DEFAULT_PORT)
    raise VaultError(
        "forbidden",
        f"no service of vault {vault} covers {host}{facts.path}, and it denies such requests",
        {
            "proposal_hint": {
                "host": host,
                "endpoint": PROPOSAL_ENDPOINT,
                "supported_auth_types": [str(kind) for kind in SUPPORTED_AUTH_TYPES],
            }
        },
    )


def _check_rules(entry: Entry, method: str, path: str) -> int:
    """Position of the rule that allows, -1 when none matches. Raises VaultError when one denies."""
    position = _first_rule(entry, method, path)
    allowed = _allows(entry, position)
    if not is_plain(path):
        for spelling in spellings(path):
            if _allows(entry, _first_rule(entry, method, spelling)) != allowed:
                raise ambiguous_path()
    if not allowed:
        raise _denied(entry, position, method, path)
    return position


def _first_rule(entry: Entry, method: str, path: str) -> int:
    for position, (rule, glob) in enumerate(entry.rules):
        if (not rule.methods or method in rule.methods) and glob.matches(path):
            return position
    return -1


def _allows(entry: Entry, position: int) -> bool:
    return position < 0 or entry.rules[position][0].action is Action.ALLOW


def _denied(entry: Entry, position: int, method: str, path: str) -> VaultError:
    allowed = [other for other in METHODS if _allows(entry, _first_rule(entry, other, path))]
    extra = {"allowed_methods": allowed}
    rule = f"rule {position + 1} of service {entry.service.name}"
    if allowed:
        choices = ", ".join(allowed)
        detail = f"{rule} denies {method} on {path}; allowed here: {choices}"
        return VaultError("method_not_allowed", detail, extra)
    return VaultError("path_not_allowed", f"{rule} denies {path} for every method", extra)


def _remember(entry: Entry, vault: str, position: int) -> Decision:
    service = entry.service
    reason = f"service {service.name} covers {service.pattern}"
    if position >= 0:
        reason += f", and its rule {position + 1} allows the request"
    elif entry.rules:
        reason += ", and none of its rules denies the request"
    decision = Decision(vault, service, reason, entry.keys)
    return entry.decisions.setdefault((vault, position), decision)
