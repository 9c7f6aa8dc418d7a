"""The service catalog: ready service documents for well-known APIs, from `catalog.json`.

A template that holds `your-…` in its host needs the operator's own name there.
"""

from functools import cache
from importlib.resources import files

import msgspec

from proxy_core.domain.wire import Template


@cache
def templates() -> tuple[Template, ...]:
    """All templates, in the order of the file: by category, then by name."""
    data = files("proxy_core.domain").joinpath("catalog.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[Template, ...])
