"""What can be wrong with proxy variables, CA files and programs that have to trust the CA."""

from collections.abc import Iterable, Iterator, Mapping
from shlex import quote

from proxy_core.base import variables
from proxy_core.domain.doctor.facts import Facts, WorkerFacts
from proxy_core.domain.doctor.findings import Finding, error, note, warning
from proxy_core.domain.doctor.values import split_url
from proxy_core.domain.no_proxy import bypasses, listed

ANTHROPIC_HOST = "api.anthropic.com"
_AGAIN = "vault-tui run -- CMD…"


def environment_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module; most are about an environment that leads to the proxy."""
    if facts.wired:
        yield from _bypassed(facts)
        yield from _api_through_proxy(facts)
        yield from _spellings(facts.environ)
        yield from _runtimes(facts)
    else:
        yield from _elsewhere(facts)
    yield from _ca_files(facts)


def _hosts(worker: WorkerFacts) -> Iterable[str]:
    """Hosts that a service attaches something for; those with wildcards are left out."""
    services = worker.services if worker.services is not None else ()
    for service in services:
        host = service.host.partition("/")[0].partition(":")[0]
        if service.enabled and service.keys and "*" not in host:
            yield host


def _bypassed(facts: Facts) -> Iterator[Finding]:
    excepted = listed(facts.environ)
    past = sorted({host for host in _hosts(facts.worker) if bypasses(excepted, host)})
    if not past and facts.worker.services is None and bypasses(excepted, ANTHROPIC_HOST):
        past = [ANTHROPIC_HOST]
    if past:
        yield error(
            "no_proxy",
            f"NO_PROXY sends {', '.join(past)} past the proxy.",
            "The vault attaches nothing there, and the upstream answers 401.",
            "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
        )


def _api_through_proxy(facts: Facts) -> Iterator[Finding]:
    address = facts.environ.get(variables.AGENT_ADDR, "")
    host = split_url(address).hostname or ""
    if host and not bypasses(listed(facts.environ), host):
        yield warning(
            "api_proxied",
            f"NO_PROXY does not name the vault's API, {host}.",
            "Agents ask it for proposals through the proxy, which refuses that.",
            f'export NO_PROXY="$NO_PROXY,{host}" no_proxy="$no_proxy,{host}"',
        )


def _spellings(environ: Mapping[str, str]) -> Iterator[Finding]:
    upper, lower = environ.get("HTTPS_PROXY", ""), environ.get("https_proxy", "")
    if upper != lower and upper and lower:
        yield warning(
            "proxy_spellings",
            "HTTPS_PROXY and https_proxy differ.",
            "Some programs read the one, some the other.",
            'export https_proxy="$HTTPS_PROXY"',
        )
    elif upper and not lower:
        what = "https_proxy is not set, only HTTPS_PROXY."
        yield note("proxy_spellings", what, "A few programs read the small letters alone.")


def _elsewhere(facts: Facts) -> Iterator[Finding]:
    """An agent's environment whose requests do not come to us."""
    if not facts.environ.get(variables.AGENT_TOKEN):
        return
    given = facts.environ.get("HTTPS_PROXY") or facts.environ.get("https_proxy")
    what = "HTTPS_PROXY leads to another proxy." if given else "HTTPS_PROXY is not set."
    why = "This environment has a token of the vault, and its requests go past it."
    yield error("not_wired", what, why, _AGAIN)


def _ca_files(facts: Facts) -> Iterator[Finding]:
    for found in facts.ca_files:
        if not found.absolute:
            what = f"{found.variable} is not an absolute path."
            why = "Node.js ignores it as soon as the directory is another."
            yield error("ca_relative", what, why, _AGAIN)
        elif not found.exists:
            what = f"{found.variable} names {found.path}, which is not there."
            why = "Programs that read it trust nothing, or only the system's roots."
            yield error("ca_missing", what, why, f"vault-tui ca --out {quote(found.path)}")
        elif found.holds_worker_ca is False:
            what = f"{found.variable} names {found.path}, which lacks this worker's CA."
            why = "Every request ends in a certificate error."
            yield error("ca_other", what, why, _AGAIN)


def _runtimes(facts: Facts) -> Iterator[Finding]:
    for found in facts.runtimes:
        if found.trusts is False:
            judged = "a request through the proxy" if found.how == "request" else "its settings"
            level = note if found.optional else warning
            yield level(
                "runtime_ca",
                f"{found.name} does not trust the worker's CA, by {judged}.",
                "Its https requests fail with a certificate error.",
                found.remedy,
            )
