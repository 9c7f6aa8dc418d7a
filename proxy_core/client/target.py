"""Which worker a client talks to: the control socket of a home, or an address with a token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home


@dataclass(frozen=True, slots=True)
class Target:
    """`socket` or `base_url` (http:// or https://, no path); `token` is sent as Bearer."""

    socket: Path | None = None
    base_url: str = ""
    token: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """Scheme and authority of requests; a socket's is only a name."""
        return self.base_url or "http://localhost"

    @classmethod
    def choose(
        cls,
        home: Home | None = None,
        addr: str = "",
        token: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> "Target":
        """`addr` or VAULT_TUI_ADDR, else the home's socket; `token` or VAULT_TUI_TOKEN.

        Raises VaultError: bad_request for an address that is not http(s)://host[:port].
        """
        env = os.environ if environ is None else environ
        bearer = token or env.get("VAULT_TUI_TOKEN", "")
        address = addr or ("" if home is not None else env.get("VAULT_TUI_ADDR", ""))
        if address:
            return cls(base_url=_checked(address), token=bearer)
        return cls(socket=(home or Home.locate(environ=env)).socket, token=bearer)


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        valid = valid and parts.path in {"", "/"} and not parts.query and parts.username is None
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise VaultError("bad_request", "The worker's address must look like https://host:port.")
    return f"{parts.scheme}://{parts.netloc}"
