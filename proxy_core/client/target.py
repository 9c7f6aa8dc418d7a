"""Which worker a client talks to: the control socket of a home, or an address with a token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import USER_PREFIX
from proxy_core.base.paths import Home

if TYPE_CHECKING:  # a client of the socket does without it
    import ssl


@dataclass(frozen=True, slots=True)
class Target:
    """`socket` or `base_url` (http:// or https://, no path); `token` is sent as Bearer.

    `ca_file` holds roots that are trusted beside the system's, PEM; of a socket's worker too, whose
    ports may be spoken to by others.
    """

    socket: Path | None = None
    base_url: str = ""
    token: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def origin(self) -> str:
        """Scheme and authority of requests; a socket's is only a name."""
        return self.base_url or "http://localhost"

    @property
    def where(self) -> str:
        """The worker's address as people know it."""
        return str(self.socket or self.base_url)

    @property
    def sign_in_at(self) -> str:
        """Where a person signs in to be somebody there; empty for a program's token."""
        is_persons = not self.token or self.token.startswith(USER_PREFIX)
        return self.base_url if is_persons else ""

    @classmethod
    def choose(
        cls,
        home: Home | None = None,
        addr: str = "",
        token: str = "",
        environ: Mapping[str, str] | None = None,
        *,
        ca_file: str = "",
        insecure: bool = False,
    ) -> "Target":
        """`addr` or VAULT_TUI_ADDR, else the home's socket; `token` or VAULT_TUI_TOKEN; `ca_file`
        or VAULT_TUI_CA_FILE. `insecure` lets a token go over plain http to another machine.

        Raises VaultError: bad_request for an address that is not http(s)://host[:port], or that
        would show the token to the network.
        """
        env = os.environ if environ is None else environ
        bearer = token or env.get(variables.TOKEN, "")
        address = addr or ("" if home is not None else env.get(variables.ADDR, ""))
        named = ca_file or env.get(variables.CA_FILE, "")
        roots = Path(named).expanduser() if named else None
        if not address:
            socket = (home or Home.locate(environ=env)).socket
            return cls(socket=socket, token=bearer, ca_file=roots)
        return cls(base_url=_checked(address, insecure), token=bearer, ca_file=roots)

    def tls_context(self) -> "ssl.SSLContext":
        """What https connections are verified with. Raises VaultError: bad_request."""
        import ssl

        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except (OSError, ssl.SSLError) as error:
                pem = isinstance(error, ssl.SSLError)
                why = "it holds no PEM certificate" if pem else error.strerror
                raise VaultError(
                    "bad_request", f"The CA file {self.ca_file} cannot be used: {why}."
                ) from None
        return context


def _checked(address: str, insecure: bool) -> str:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        valid = valid and parts.path in {"", "/"} and not parts.query and parts.username is None
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise VaultError("bad_request", "The worker's address must look like https://host:port.")
    if parts.scheme == "http" and not insecure and not _is_loopback(parts.hostname or ""):
        raise VaultError(
            "bad_request",
            f"Plain http to {parts.netloc} would show the token to the network: "
            "use https://, or --insecure on a network you trust.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
