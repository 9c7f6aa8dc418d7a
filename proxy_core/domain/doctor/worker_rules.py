"""What can be wrong with the worker and with what it keeps."""

from collections.abc import Iterator, Mapping
from shlex import quote

from proxy_core.base.errors import ERRORS
from proxy_core.domain.doctor.facts import Facts, Symptom, WorkerFacts
from proxy_core.domain.doctor.findings import Finding, error, note, warning

_DAY = 86400.0
_CA_NOTICE = 30 * _DAY
_SKEW = 60.0
_RESTART = "vault-tui stop && vault-tui start"
_CA_DATES = "vault-tui ca | openssl x509 -noout -dates"
_STARTS = {"no_worker": "vault-tui start", "worker_untrusted": "vault-tui doctor --ca-file FILE"}
_CONNECT = {
    "credential": "vault-tui credential oauth connect {name}",
    "account": "vault-tui account add --reconnect {name}",
}
_EXPLAIN = "vault-tui service test https://{host}/ --vault {vault}"
_MENDS = {
    # Codes of the proxy's own answers.
    "proxy_auth_required": "vault-tui run -- CMD…",
    "sealed": "vault-tui unseal",
    "credential_not_found": "vault-tui credential list --vault {vault}",
    "credential_unreadable": "vault-tui credential list --vault {vault}",
    "oauth_not_connected": "vault-tui account list --vault {vault}",
    "oauth_refresh_failed": "vault-tui account list --vault {vault}",
    "accounts_exhausted": "vault-tui account quota --vault {vault}",
    "upstream_unreachable": "curl -sSI https://{host}/",
    "upstream_timeout": "curl -sSI https://{host}/",
    "upstream_tls": "curl -sSI https://{host}/",
    "address_blocked": "curl -sSI https://{host}/",
}
_METADATA = frozenset({"169.254.169.254", "metadata.google.internal", "fd00:ec2::254"})


def worker_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module; without a worker there is one finding."""
    worker = facts.worker
    if worker.failure:
        yield _absent(worker)
        return
    if not worker.initialized:
        why = "Nothing can be stored, and no certificate minted."
        yield error("not_initialized", "The vault is not set up.", why, "vault-tui init")
        return
    if worker.sealed:
        why = "Agents are answered 503 until somebody opens it."
        if facts.claude is not None and facts.claude_behind:
            why += " Claude Code may wait for three minutes before it says anything."
        yield error("sealed", "The vault is sealed.", why, "vault-tui unseal")
    yield from _worker_itself(facts)
    yield from _signed_out(worker)
    yield from _token(worker)
    yield from _services(facts)
    yield from _logins(worker)
    yield from _webhooks(worker)
    yield from _probe(worker)
    yield from _clocks(facts)
    yield from map(_symptom, worker.symptoms)


def _absent(worker: WorkerFacts) -> Finding:
    what = worker.detail or ERRORS[worker.failure].title
    why = "Nothing is attached to any request without it."
    return error(worker.failure, what, why, _STARTS.get(worker.failure, "vault-tui status"))


def _signed_out(worker: WorkerFacts) -> Iterator[Finding]:
    if worker.signed_out_at:
        what = f"Nobody is signed in here at {worker.signed_out_at}."
        why = "What agents may use there, and what has failed, was not looked at."
        remedy = f"vault-tui login --addr {quote(worker.signed_out_at)}"
        yield error("signed_out", what, why, remedy)


def _worker_itself(facts: Facts) -> Iterator[Finding]:
    worker = facts.worker
    if worker.version != facts.version and worker.local:
        what = f"The worker is version {worker.version}, this program {facts.version}."
        yield warning("version", what, "An update takes effect when it starts anew.", _RESTART)
    for port in worker.closed_ports:
        what = f"Nothing answers at {port}."
        yield error("port_closed", what, "Agents reach neither proxy nor API there.", _RESTART)
    for problem in worker.problems:
        yield warning("worker_problem", problem, "The worker says so itself.", "vault-tui status")
    if worker.log_dropped:
        what = f"{worker.log_dropped} requests are missing from the log."
        yield warning("log_dropped", what, "The disk was too slow, or full.", "vault-tui status")
    left = None if worker.ca_expires_at is None else worker.ca_expires_at - facts.now
    if left is not None and left <= 0:
        what = "The worker's CA certificate has expired."
        yield error("ca_expired", what, "No program accepts its certificates.", _CA_DATES)
    elif left is not None and left < _CA_NOTICE:
        what = f"The worker's CA certificate expires in {int(left // _DAY)} days."
        yield warning("ca_expiring", what, "Programs refuse it from then on.", _CA_DATES)


def _token(worker: WorkerFacts) -> Iterator[Finding]:
    if worker.token and worker.token != "ok":  # noqa: S105 - not a token, but what is said of it
        yield error(
            "token_refused",
            "The worker does not know AGENT_VAULT_TOKEN (any more).",
            "It was revoked or has expired: the proxy answers 407, the API 401.",
            "vault-tui run -- CMD…",
        )


def _services(facts: Facts) -> Iterator[Finding]:
    worker = facts.worker
    if worker.missing_hosts and facts.claude_behind and facts.claude is not None:
        yield warning(
            "no_service",
            f"Vault {worker.vault} has no service for {', '.join(worker.missing_hosts)}.",
            "Claude Code's requests there get no credential.",
            f"vault-tui claude --vault {worker.vault}",
        )
    if worker.credentials is None:
        return
    for service in worker.services or ():
        lacking = [key for key in service.keys if key not in worker.credentials]
        if service.enabled and lacking:
            yield error(
                "credential_missing",
                f"Service {service.name} names {lacking[0]}, which vault {worker.vault} lacks.",
                "Its requests are answered 502 credential_not_found.",
                f"vault-tui credential set {lacking[0]} --vault {worker.vault}",
            )


def _logins(worker: WorkerFacts) -> Iterator[Finding]:
    for login in worker.logins:
        remedy = _CONNECT[login.kind].format(name=quote(login.name)) + f" --vault {worker.vault}"
        what = f"The {login.kind} {login.name} has to be connected anew"
        if login.state in {"reconnect", "pending"}:
            why = login.why or "Its refresh token was refused: it never works again by itself."
            yield error("reconnect", f"{what}.", why, remedy)
        elif login.state == "unreadable":
            what = f"The credential {login.name} cannot be decrypted."
            remedy = f"vault-tui credential set {quote(login.name)} --vault {worker.vault}"
            yield error("unreadable", what, "What was stored was changed.", remedy)
        elif login.state in {"failing", "expired"}:
            what = f"The last refresh of {login.kind} {login.name} failed."
            why = login.why or "The provider did not answer as it should."
            again = {"account": "account refresh", "credential": "credential oauth refresh"}
            remedy = f"vault-tui {again[login.kind]} {quote(login.name)} --vault {worker.vault}"
            yield warning("refresh_failing", what, why, remedy)
        elif login.state == "exhausted":
            what = f"The account {login.name} has used up its quota."
            yield note("exhausted", what, login.why or "It resets by itself.")
    spent = sum(login.state == "exhausted" for login in worker.logins)
    if spent and spent == worker.accounts:
        what = f"All Claude accounts of vault {worker.vault} have used up their quota ({spent})."
        why = "Requests are answered 429 until the first of them resets."
        yield warning(
            "accounts_exhausted", what, why, f"vault-tui account quota --vault {worker.vault}"
        )


def _webhooks(worker: WorkerFacts) -> Iterator[Finding]:
    for webhook in worker.webhooks:
        what = f"The webhook {webhook} fails."
        why = "Nobody is told there of what waits."
        yield warning("webhook_failing", what, why, f"vault-tui webhook test {quote(webhook)}")


def _probe(worker: WorkerFacts) -> Iterator[Finding]:
    probe = worker.probe
    if probe is None or worker.sealed:
        return
    if probe.code:
        kind = ERRORS.get(probe.code)
        what = f"A request through the proxy to {probe.host} was refused: {probe.code}."
        why = kind.title if kind else "The proxy answered instead of the upstream."
        help_text = kind.help if kind else ""
        remedy = _MENDS.get(probe.code, _EXPLAIN).format(host=quote(probe.host), vault=worker.vault)
        yield error("probe_refused", what, f"{why}. {help_text}".strip(), remedy)
    elif probe.failure:
        what = f"A request through the proxy to {probe.host} failed: {probe.failure}."
        why = "Agents' requests fail in the same way."
        yield error("probe_failed", what, why, "vault-tui logs")


def _clocks(facts: Facts) -> Iterator[Finding]:
    probe = facts.worker.probe
    upstream = probe.date - facts.now if probe is not None and probe.date is not None else None
    login = facts.token_login
    offsets: Mapping[str, float | None] = {
        "The worker's clock": facts.worker.clock,
        f"The clock of {probe.host if probe else ''}": upstream,
        f"The clock of {login.issuer if login else ''}": login.clock if login else None,
    }
    for whose, offset in offsets.items():
        if offset is not None and abs(offset) > _SKEW:
            way = "ahead" if offset > 0 else "behind"
            yield warning(
                "clock",
                f"{whose} is {abs(offset):.0f} seconds {way} of this machine's.",
                "Tokens seem expired or not yet valid, certificates too, and signatures fail.",
                "timedatectl set-ntp true",
            )


def _symptom(seen: Symptom) -> Finding:
    times = "once" if seen.count == 1 else f"{seen.count} times"
    what = f"{seen.host} answered {seen.status} lately ({times})."
    found = f"host:{seen.host} status:{seen.status}"
    logs = f"vault-tui logs --filter {quote(found)}"
    if seen.host in _METADATA:
        return warning(
            "seen_metadata",
            f"A program asked for the cloud's metadata at {seen.host}.",
            "It looks for credentials there, is refused, and waits: give it credentials, or tell "
            "it to skip signing.",
            "export AWS_EC2_METADATA_DISABLED=true",
        )
    if seen.status == 401:
        why = "The key or the login behind it has expired or was revoked, or a stale one is sent."
        return warning("seen_401", what, why, "vault-tui account list")
    if seen.status == 403:
        why = "The account has no access to that model or path, or its region is another."
        return warning("seen_403", what, why, logs)
    return warning("seen_failure", what, f"The proxy says {seen.code or 'nothing'}.", logs)
