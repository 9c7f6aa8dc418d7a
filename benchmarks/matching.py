"""What a decision costs with 10 and with 10,000 services: `python -m benchmarks.matching`.

The rounds of both sizes take turns, so that a machine's changes of speed meet both alike; the
median of the rounds' ratios is what counts.
"""

import statistics
import time
from itertools import cycle, islice

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


def main() -> None:
    """Print the medians and their ratio."""
    small, large, facts = index_of(10), index_of(10_000), requests()
    rounds = [(microseconds(small, facts), microseconds(large, facts)) for _ in range(ROUNDS)]
    few, many = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(b / a for a, b in rounds)
    print(f"decision with 10 services {few:.2f} us, with 10,000 {many:.2f} us, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
