"""Rows of one worker with and without one thing: scrubbing, rules, substitution, many agents.

All are rates by the worker's processor time: a worker that is busy all the time does so much.
"""

from collections.abc import Iterator

from benchmarks.lab import Flags, Lab, Side
from benchmarks.peers import PLACEHOLDER
from benchmarks.report import Row, at_least, paired

_SMALL: Flags = {"mode": "throughput", "c": 16}
_ENOUGH = at_least(0.7)
_MANY = 500


def scrub(lab: Lab) -> Iterator[Row]:
    """Responses searched for the secret that was injected. Nothing is found."""
    on, off = "scrub.bench.test", "plain.bench.test"
    kinds: tuple[tuple[str, Flags, str], ...] = (
        ("small JSON, requests/CPU s", _SMALL, "per_second"),
        ("SSE 200x50/s, events/CPU s", {"mode": "sse", "c": 200, "rate": 50}, "count"),
        ("10 MB of zeros, MB/CPU s", _down("/bytes"), "mb_per_second"),
        ("10 MB of escaped JSON, MB/CPU s", _down("/escaped"), "mb_per_second"),
    )
    for title, flags, figure in kinds:
        pairs = lab.pairs(Side(lab.ours, flags, on), Side(lab.ours, flags, off), figure)
        yield paired(f"scrubbing, {title}", pairs, "without", _ENOUGH)


def _down(path: str) -> Flags:
    return {"mode": "download", "c": 2, "path": path}


def rules(lab: Lab) -> Iterator[Row]:
    """Twenty rules, of which the last one applies."""
    with_rules = Side(lab.ours, _SMALL, "rules.bench.test")
    pairs = lab.pairs(with_rules, Side(lab.ours, _SMALL), "per_second")
    yield paired("20 rules, small requests/CPU s", pairs, "without", _ENOUGH)


def substitution(lab: Lab) -> Iterator[Row]:
    """A placeholder in the query, and one in a JSON body, replaced."""
    body = '{"model":"m","key":"%s","messages":[{"role":"user","content":"hello"}]}'
    kinds: tuple[tuple[str, str, str], ...] = (
        ("query", f"/v1/messages?key={PLACEHOLDER}", ""),
        ("JSON body", "/v1/messages", body % PLACEHOLDER),
    )
    for title, path, text in kinds:
        flags = {**_SMALL, "path": path, "body": text}
        filled, left = Side(lab.ours, flags, "fill.bench.test"), Side(lab.ours, flags)
        pairs = lab.pairs(filled, left, "per_second")
        yield paired(f"substitution in a {title}, requests/CPU s", pairs, "without", _ENOUGH)


def agents(lab: Lab) -> Iterator[Row]:
    """As many connections: of one agent, and of as many agents that another worker knows."""
    flags = {"mode": "throughput", "c": _MANY}
    many, one = (Side(lab.worker_with(count), flags) for count in (_MANY, 1))
    pairs = lab.pairs(many, one, "per_second")
    yield paired(f"requests/CPU s of {_MANY} agents", pairs, "1 agent", at_least(0.9))
