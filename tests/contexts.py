"""Upstream TLS contexts that are made once a test process: most of what starting a proxy takes.

Each reads all the authorities that the machine trusts. A proxy changes nothing of its context,
which all of its connections share.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

from proxy_core.mitm import server
from proxy_core.mitm.dial import client_context

_made: dict[tuple[bytes, ...], ssl.SSLContext] = {}


def share_upstream_contexts() -> None:
    """From now on proxies of this process that trust the same have the same context."""
    server.client_context = _shared  # type: ignore[attr-defined]


def _shared(extra_roots: Sequence[Path] = ()) -> ssl.SSLContext:
    try:
        trusted = tuple(Path(path).read_bytes() for path in extra_roots)
    except OSError:
        return client_context(extra_roots)
    if trusted not in _made:
        _made[trusted] = client_context(extra_roots)
    return _made[trusted]
