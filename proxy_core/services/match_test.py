"""The match test: what would happen to a request, and why. Nothing is sent, nothing decrypted."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain import policy, wire
from proxy_core.domain.exchange import Ask, Ingress, RequestFacts
from proxy_core.domain.hosts import split_authority
from proxy_core.domain.oauth.capture import captured_as
from proxy_core.domain.service import Service
from proxy_core.domain.service_document import credential_keys
from proxy_core.services.snapshot import VaultEntry

_DEFAULT_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}
_MAX_URL = 8192


@dataclass(frozen=True, slots=True)
class _Outcome:
    decision: str
    reason: str
    error_code: str | None = None


def run_match_test(
    entry: VaultEntry, request: wire.MatchTest, allow_http: bool
) -> wire.MatchResult:
    """Decide `request` as the proxy would. Raises VaultError: bad_request for no usable URL."""
    facts = _facts(request)
    candidates = entry.compiled.index.explain(facts.host, facts.port, facts.path)
    winner = next((found.service for found in candidates if found.matched), None)
    keys = credential_keys(winner) if winner else ()
    known = entry.keys
    missing = [key for key in keys if key not in known]
    outcome = _outcome(entry, facts, allow_http, winner, missing)
    return wire.MatchResult(
        decision=outcome.decision,
        reason=outcome.reason,
        service=winner.name if winner else None,
        host=facts.host,
        path=facts.path,
        credential_keys=list(keys),
        missing_credentials=missing,
        error_code=outcome.error_code,
        candidates=[
            wire.MatchCandidate(
                name=found.service.name,
                host=found.service.pattern,
                matched=found.matched,
                reason=found.reason,
            )
            for found in candidates
        ],
    )


def _outcome(
    entry: VaultEntry,
    facts: RequestFacts,
    allow_http: bool,
    winner: Service | None,
    missing: list[str],
) -> _Outcome:
    index = entry.compiled.index
    try:
        decision = policy.decide(index, entry.policy, facts, allow_http, entry.name)
    except VaultError as error:
        return _Outcome("denied", str(error), error.code)
    if isinstance(decision, Ask):
        why = f"{decision.reason}; the request waits until an operator allows or denies it"
        return _Outcome("held", why if not missing else f"{why}. {_lacking(missing)}")
    if winner is None:
        return _Outcome("unmatched", decision.reason)
    if captured_as(winner, facts.host, facts.method, facts.path):
        why = f"{decision.reason}; a login there is answered by the vault, which keeps its tokens"
        return _Outcome("captured", why)
    if missing:
        return _Outcome("failed", _lacking(missing), "credential_not_found")
    return _Outcome("injected" if decision.credential_keys else "passthrough", decision.reason)


def _lacking(missing: list[str]) -> str:
    return f"the vault has no credential {', '.join(missing)}"


def _facts(request: wire.MatchTest) -> RequestFacts:
    """The request as the proxy would see it; `https` when no scheme is given."""
    if len(request.url) > _MAX_URL:
        raise VaultError("bad_request", "url is too long")
    url = request.url if "://" in request.url else f"https://{request.url}"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise VaultError("bad_request", "url is malformed") from None
    port = _DEFAULT_PORTS.get(parts.scheme)
    if port is None:
        raise VaultError("bad_request", "url must begin with https:// or http://")
    if "@" in parts.netloc or not parts.netloc:
        raise VaultError("bad_request", "url must hold a host and no user name")
    host, port = split_authority(parts.netloc, port)
    return RequestFacts(
        scheme=parts.scheme,
        host=host,
        port=port,
        method=request.method.upper(),
        path=parts.path or "/",
        query=parts.query,
        ingress=Ingress.CONNECT if parts.scheme in {"https", "wss"} else Ingress.ABSOLUTE,
    )
