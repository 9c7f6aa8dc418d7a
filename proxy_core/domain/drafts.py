"""A first draft of a service for a host that was seen without one; an operator finishes it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.globs import compile_glob
from proxy_core.domain.patterns import check_glob, parse_pattern
from proxy_core.domain.wire import Template

_USUAL_PORTS = frozenset((0, 80, 443))
_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_MOST_SEGMENTS = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """One request to the host, as the log has it; `path` without its query."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`document` may lack `auth`: only a person knows it. `template` is the catalog's, if any."""

    document: dict[str, Any]
    methods: tuple[str, ...] = ()
    template: Template | None = None


def draft_service(
    host: str, port: int, seen: Iterable[Seen], templates: Sequence[Template]
) -> Draft:
    """From the catalog where it knows the host; else the narrowest that covers what was seen.

    Where nothing but reading was seen, its rules let nothing else pass.
    """
    requests = list(seen)
    methods = tuple(sorted({one.method for one in requests}))
    template = _template(host, port, requests, templates)
    if template is not None:
        return Draft(dict(template.service), methods, template)
    place = host if port in _USUAL_PORTS else f"{host}:{port}"
    document: dict[str, Any] = {"host": place + _below(one.path for one in requests)}
    if methods and _READING.issuperset(methods):
        document["rules"] = [
            {"action": "allow", "methods": sorted(_READING)},
            {"action": "deny"},
        ]
    return Draft(document, methods)


def _template(
    host: str, port: int, requests: Sequence[Seen], templates: Sequence[Template]
) -> Template | None:
    """The one that covers the host and, of several, the most of what was seen."""
    found: list[tuple[int, Template]] = []
    for template in templates:
        pattern, its_port, path = parse_pattern(str(template.service["host"]))
        if not _covers(pattern, host) or its_port not in {0, port}:
            continue
        glob = compile_glob(path)
        hits = sum(glob.matches(one.path) for one in requests)
        if hits or not requests:
            found.append((hits, template))
    return max(found, key=lambda one: one[0])[1] if found else None


def _covers(pattern: str, host: str) -> bool:
    return pattern == host or (pattern[:2] == "*." and host.partition(".")[2] == pattern[2:])


def _below(paths: Iterable[str]) -> str:
    """`/v1/*` when all that was seen is below it; empty when there is no such place.

    One path alone says nothing of what comes next to it.
    """
    places = [path.split("/")[1:-1] for path in set(paths)]
    if len(places) < 2:
        return ""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*places, strict=False))
    shared = [column[0] for column in same][:_MOST_SEGMENTS]
    if not shared or not all(map(_PLAIN_SEGMENT.fullmatch, shared)):
        return ""
    try:
        return check_glob(f"/{'/'.join(shared)}/*")
    except VaultError:
        return ""
