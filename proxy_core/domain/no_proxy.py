"""What a NO_PROXY list keeps from the proxy."""

import re
from collections.abc import Mapping


def listed(environ: Mapping[str, str]) -> str:
    """Both spellings of the list at once."""
    return f"{environ.get('NO_PROXY', '')},{environ.get('no_proxy', '')}"


def bypasses(no_proxy: str, host: str) -> bool:
    """Whether a NO_PROXY list keeps `host` from the proxy: `*`, the name, or a domain above it."""
    host = host.lower()
    for entry in re.split(r"[\s,]+", no_proxy.lower()):
        name = entry.removeprefix("*").removeprefix(".").partition(":")[0]
        if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False
