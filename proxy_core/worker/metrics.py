"""The worker in numbers, from what is counted anyway.

A label is one of a few words of ours, or the name of a vault, an account or a quota window. Hosts,
paths and agents are none: nobody bounds how many of them there are.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from proxy_core.domain.accounts.account import Account
from proxy_core.services.application import Application
from proxy_core.worker.exposition import Family, Kind, Sample
from proxy_core.worker.facts import WorkerFacts, product_version


def families(facts: WorkerFacts) -> Iterator[Family]:
    """All that is told of this worker; what others on the same database do is theirs to tell."""
    return chain(_worker(facts), _requests(facts.app), _waiting(facts), _accounts(facts.app))


def _gauge(name: str, help: str, *samples: Sample) -> Family:
    return Family(f"vault_tui_{name}", Kind.GAUGE, help, samples)


def _counter(name: str, help: str, *samples: Sample) -> Family:
    return Family(f"vault_tui_{name}_total", Kind.COUNTER, help, samples)


def _worker(facts: WorkerFacts) -> Iterator[Family]:
    app = facts.app
    problems = len(app.problems()) + len(facts.problems())
    version = Sample(1, {"version": product_version(), "database": app.database_kind})
    yield _gauge("build_info", "The version that runs.", version)
    yield _gauge(
        "uptime_seconds",
        "Seconds since the worker started.",
        Sample(round(facts.clock.monotonic() - facts.started, 3)),
    )
    yield _gauge("sealed", "1 while no credential can be used.", Sample(int(app.keys.sealed)))
    yield _gauge("problems", "What the status complains of.", Sample(problems))
    yield _counter(
        "log_dropped", "Request records that could not be kept.", Sample(app.log_dropped)
    )


def _requests(app: Application) -> Iterator[Family]:
    told = [
        ({"outcome": outcome, "status": f"{status}xx" if status else "none"}, totals)
        for (outcome, status), totals in sorted(app.usage.totals.items())
    ]
    yield _counter(
        "requests",
        "Requests that have ended, by what the vault did and what the agent was answered.",
        *(Sample(totals.count, labels) for labels, totals in told),
    )
    yield _counter(
        "request_seconds",
        "How long they took, without the time that an operator took.",
        *(Sample(round(totals.seconds, 6), labels) for labels, totals in told),
    )
    yield _counter(
        "request_body_bytes",
        "Body bytes towards upstreams.",
        Sample(sum(totals.bytes_up for _, totals in told)),
    )
    yield _counter(
        "response_body_bytes",
        "Body bytes towards agents.",
        Sample(sum(totals.bytes_down for _, totals in told)),
    )


def _waiting(facts: WorkerFacts) -> Iterator[Family]:
    app = facts.app
    yield _gauge("streams", "Requests under way.", Sample(facts.traffic.streams))
    yield _gauge("connections", "Client connections.", Sample(facts.traffic.connections))
    yield _gauge("holds", "Requests that wait for an operator.", Sample(len(app.holds)))
    yield _gauge(
        "pending_proposals", "Proposals that wait for an operator.", Sample(app.proposals.pending)
    )


def _accounts(app: Application) -> Iterator[Family]:
    yield _counter(
        "refreshes",
        "Refreshes of OAuth tokens by how they ended.",
        *(Sample(count, {"result": result}) for result, count in app.logins.refreshes.items()),
    )
    states: Counter[tuple[str, str, str]] = Counter()
    quota: list[Sample] = []
    state = app.accounts.state
    for account in state.roster.accounts.values():
        vault = state.context.snapshot.by_id.get(account.vault_id)
        if vault is None or account.removed_at is not None:
            continue
        states[vault.name, account.provider, state.standing(account).state.value] += 1
        quota.extend(_quota(app, vault.name, account))
    yield _gauge(
        "accounts",
        "Accounts by the state that they are in.",
        *(
            Sample(count, {"vault": vault, "provider": provider, "state": standing})
            for (vault, provider, standing), count in sorted(states.items())
        ),
    )
    yield _gauge("quota_used_ratio", "The used share of an account's quota window.", *quota)


def _quota(app: Application, vault: str, account: Account) -> Iterator[Sample]:
    state = app.accounts.state
    whose = {"vault": vault, "provider": account.provider, "account": account.name}
    for name, window in sorted(state.lives.of(account.id).windows.items()):
        used = window.at(state.now).used
        if used is not None:
            yield Sample(used, {**whose, "window": name})
