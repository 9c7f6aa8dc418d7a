"""Whether a request may go on, and with which service. Runs for every request.

    Decision     the request may go on
    Ask          an operator has to say
    VaultError   it may not, and why

A request without a service goes on without a credential, unless the vault denies or asks. A request
with a service goes on unless the service is disabled, its first matching rule denies or asks, or a
credential would travel over plain http without leave: nobody is asked for what would be refused.
Who may use some services only gets at nothing else, with or without a credential.
"""

from collections.abc import Set as AbstractSet

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ask, Decision, RequestFacts
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.matching import Entry, ServiceIndex, ambiguous_path
from proxy_core.domain.service import Action, AuthType, UnmatchedHostPolicy
from proxy_core.domain.target import is_plain, spellings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SUPPORTED_AUTH_TYPES = tuple(AuthType)
PROPOSAL_ENDPOINT = "POST /v1/proposals"
_ENCRYPTED = frozenset(("https", "wss"))
_DEFAULT_PORT = 443
_MOST_NAMED = 8
"""Services in a sentence."""


def decide(
    index: ServiceIndex,
    unmatched_policy: UnmatchedHostPolicy,
    facts: RequestFacts,
    allow_http: bool,
    vault: str,
    granted: AbstractSet[str] | None = None,
) -> Decision | Ask:
    """Decide one request. `allow_http` is the worker's own leave for every service.

    `granted`: names of the services that the client may use; None: all of the vault's.
    Raises VaultError: bad_request, forbidden (proposal_hint), service_not_granted,
    service_disabled, method_not_allowed and path_not_allowed (allowed_methods), http_not_allowed,
    trace_not_allowed.
    """
    method = facts.method.upper()
    if method == "TRACE":
        raise VaultError("trace_not_allowed", "TRACE would echo the credential; it is refused")
    entry = index.lookup(facts.host, facts.port, facts.path)
    if entry is None:
        return _unmatched(unmatched_policy, facts, vault, granted)
    service = entry.service
    if granted is not None and service.name not in granted:
        raise _not_granted(service.name, facts, vault, granted)
    if not service.enabled:
        raise VaultError("service_disabled", f"service {service.name} is disabled")
    position = _check_rules(entry, method, facts.path) if entry.rules else -1
    if entry.keys and facts.scheme not in _ENCRYPTED and not (service.allow_http or allow_http):
        raise VaultError(
            "http_not_allowed", f"service {service.name} sends its credential over https only"
        )
    return entry.decisions.get((vault, position)) or _remember(entry, vault, position)


def _unmatched(
    policy: UnmatchedHostPolicy,
    facts: RequestFacts,
    vault: str,
    granted: AbstractSet[str] | None,
) -> Decision | Ask:
    if granted is None and policy is not UnmatchedHostPolicy.DENY:
        reason = "no service covers this request: forwarded without credential"
        decision = Decision(vault, None, reason)
        if policy is UnmatchedHostPolicy.PASSTHROUGH:
            return decision
        return Ask(decision, -1, "no service covers this request, and the vault asks for such")
    host = format_authority(facts.host, facts.port, _DEFAULT_PORT)
    why = "it denies such requests" if granted is None else _only(granted)
    raise VaultError(
        "forbidden",
        f"no service of vault {vault} covers {host}{facts.path}, and {why}",
        {
            "proposal_hint": {
                "host": host,
                "endpoint": PROPOSAL_ENDPOINT,
                "supported_auth_types": [str(kind) for kind in SUPPORTED_AUTH_TYPES],
            }
        },
    )


def _not_granted(
    service: str, facts: RequestFacts, vault: str, granted: AbstractSet[str]
) -> VaultError:
    """The service is there, so it is of no use to propose it: the grant has to be widened."""
    host = format_authority(facts.host, facts.port, _DEFAULT_PORT)
    return VaultError(
        "service_not_granted",
        f"service {service} of vault {vault} covers {host}{facts.path}, and {_only(granted)}",
        {"service": service},
    )


def _only(granted: AbstractSet[str]) -> str:
    names = sorted(granted)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"this token may use {', '.join(names[:_MOST_NAMED])}{more} only"


def _check_rules(entry: Entry, method: str, path: str) -> int:
    """Position of the first rule, -1 when none matches. Raises VaultError when it denies."""
    position = _first_rule(entry, method, path)
    action = _action(entry, position)
    if not is_plain(path):
        for spelling in spellings(path):
            if _action(entry, _first_rule(entry, method, spelling)) is not action:
                raise ambiguous_path()
    if action is Action.DENY:
        raise _denied(entry, position, method, path)
    return position


def _first_rule(entry: Entry, method: str, path: str) -> int:
    for position, (rule, glob) in enumerate(entry.rules):
        if (not rule.methods or method in rule.methods) and glob.matches(path):
            return position
    return -1


def _action(entry: Entry, position: int) -> Action:
    return Action.ALLOW if position < 0 else entry.rules[position][0].action


def _denied(entry: Entry, position: int, method: str, path: str) -> VaultError:
    denied = Action.DENY
    allowed = [
        other for other in METHODS if _action(entry, _first_rule(entry, other, path)) is not denied
    ]
    extra = {"allowed_methods": allowed}
    rule = f"rule {position + 1} of service {entry.service.name}"
    if allowed:
        choices = ", ".join(allowed)
        detail = f"{rule} denies {method} on {path}; allowed here: {choices}"
        return VaultError("method_not_allowed", detail, extra)
    return VaultError("path_not_allowed", f"{rule} denies {path} for every method", extra)


def _remember(entry: Entry, vault: str, position: int) -> Decision | Ask:
    service = entry.service
    reason = f"service {service.name} covers {service.pattern}"
    asks = _action(entry, position) is Action.ASK
    if asks:
        reason += f", and its rule {position + 1} asks an operator"
    elif position >= 0:
        reason += f", and its rule {position + 1} allows the request"
    elif entry.rules:
        reason += ", and none of its rules denies the request"
    decision = Decision(vault, service, reason, entry.keys)
    outcome = Ask(decision, position, reason) if asks else decision
    return entry.decisions.setdefault((vault, position), outcome)
