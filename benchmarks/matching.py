"""Row of what a decision costs with 10 and with 10,000 services."""

import time
from collections.abc import Iterator
from itertools import cycle, islice

from benchmarks.lab import Lab
from benchmarks.report import Row, at_most, paired
from proxy_core.domain.exchange import Ingress, RequestFacts
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.policy import decide
from proxy_core.domain.service import UnmatchedHostPolicy
from proxy_core.domain.service_document import parse_services

ROUNDS, REQUESTS, HOSTS = 40, 5_000, 10
KINDS = ("h{}.example.com", "*.w{}.example.com", "p{}.example.com/v1/*")


def index_of(count: int) -> ServiceIndex:
    """Exact hosts, wildcards and paths in equal parts."""
    documents = [
        {
            "name": f"service-{number}",
            "host": KINDS[number % 3].format(number),
            "auth": {"type": "bearer", "token": "TOKEN"},
        }
        for number in range(count)
    ]
    return ServiceIndex(parse_services(documents))


def requests() -> list[RequestFacts]:
    """The same requests for both sizes: their services are among the first ten."""
    hosts = [KINDS[n % 3].format(n).replace("*.", "a.").partition("/")[0] for n in range(HOSTS)]
    return [
        RequestFacts("https", host, 443, "GET", f"/v1/items/{number}", "", Ingress.CONNECT)
        for number, host in enumerate(islice(cycle(hosts), REQUESTS))
    ]


def microseconds(index: ServiceIndex, facts: list[RequestFacts]) -> float:
    """Per decision."""
    begin = time.perf_counter()
    for one in facts:
        decide(index, UnmatchedHostPolicy.DENY, one, False, "default")
    return (time.perf_counter() - begin) / len(facts) * 1e6


def services(_lab: Lab) -> Iterator[Row]:
    """The rounds of both sizes take turns, so that a machine's changes of speed meet both alike."""
    small, large, facts = index_of(10), index_of(10_000), requests()
    pairs = [(microseconds(large, facts), microseconds(small, facts)) for _ in range(ROUNDS)]
    yield paired("decision among 10,000 services, us", pairs, "10 services", at_most(1.1))
