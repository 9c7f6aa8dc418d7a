"""The match tester's answer from documents at hand: for a service that is not saved yet."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from textual.content import Content

from proxy_core.base.errors import VaultError
from proxy_core.domain.hosts import normalize_host
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.service_document import parse_service
from vault_tui.strings import common as strings
from vault_tui.widgets.words import plain

_SHOWN = 4


def explain(documents: Iterable[Mapping[str, Any]], url: str) -> Content:
    """Winner first, then who lost and why."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port or (80 if parts.scheme == "http" else 443)
        host = normalize_host(parts.hostname or "")
        index = ServiceIndex([parse_service(_definition(d)) for d in documents])
        candidates = index.explain(host, port, parts.path or "/")
    except (VaultError, ValueError) as error:
        return plain(f"✗ {error}", "$error")
    lines = [
        Content.assemble(
            ("● " if c.matched else "○ ", "$success bold" if c.matched else "$muted"),
            plain(f"{c.service.name}  ", "bold" if c.matched else ""),
            plain(c.reason, "$muted"),
        )
        for c in candidates[:_SHOWN]
    ]
    return Content("\n").join(lines or [Content.styled(f"○ {strings.NO_SERVICE}", "$warning")])


def _definition(document: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in {"hits", "last_hit_at"}}
