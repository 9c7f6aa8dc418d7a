"""What a worker is started with, and what of it is refused."""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.domain.hosts import is_address
from proxy_core.mitm.connect_to import ConnectToTable

if TYPE_CHECKING:
    from proxy_core.worker.certificate import ServerCertificate

DEFAULT_API_PORT, DEFAULT_PROXY_PORT = 14321, 14322
_LOOPBACK_NAMES = frozenset({"localhost"})
_DATABASES = re.compile(r"(?:postgresql(?:\+psycopg)?|sqlite)://")


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """`database` is a URL, or empty for the home's SQLite file; port 0 picks a free one.

    `connect_to` holds `HOST:PORT:ADDR:PORT` texts; `socket_group` is a group id. `public_url` is
    where other machines reach the API, `https://HOST[:PORT]`, or empty.
    """

    home: Home
    host: str = "127.0.0.1"
    port: int = DEFAULT_API_PORT
    proxy_port: int = DEFAULT_PROXY_PORT
    socket_group: int | None = None
    database: str = field(default="", repr=False)
    connect_to: tuple[str, ...] = ()
    upstream_ca: tuple[Path, ...] = ()
    allow_private: bool = False
    allow_http: bool = False
    allow_http_token_urls: bool = False
    insecure: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    public_url: str = ""
    log_file: Path | None = None
    log_level: str = "info"
    password_descriptor: int | None = None

    def check(self) -> None:
        """Raises VaultError bad_request for what this version does not serve safely."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise VaultError("bad_request", "--tls-cert and --tls-key go together.")
        if not self.insecure and not self.speaks_tls and not is_loopback(self.host):
            raise VaultError(
                "bad_request",
                f"Listening on {self.host} without TLS would show tokens to the network; "
                "use a loopback address, --tls-cert and --tls-key, or --insecure on a network "
                "you trust.",
            )
        if self.port and self.port == self.proxy_port:
            raise VaultError("bad_request", "--port and --proxy-port must differ.")
        if self.database and not _DATABASES.match(self.database):
            raise VaultError(
                "bad_request", "The database URL must begin with postgresql+psycopg://."
            )
        ConnectToTable.parse(self.connect_to)
        for path in self.upstream_ca:
            if not os.access(path, os.R_OK):
                raise VaultError("bad_request", f"--upstream-ca: {path} cannot be read.")
        self.certificate()

    def again(self, port: int, proxy_port: int) -> list[str]:
        """Options that start such a worker again, on the ports that it has had.

        Where its database is stays out: that can be secret, and whoever starts it knows.
        """
        options = ["--host", self.host, "--port", str(port), "--proxy-port", str(proxy_port)]
        given = [
            ("--socket-group", self.socket_group),
            *(("--connect-to", text) for text in self.connect_to),
            *(("--upstream-ca", path) for path in self.upstream_ca),
            ("--tls-cert", self.tls_cert),
            ("--tls-key", self.tls_key),
            ("--public-url", self.public_url or None),
            ("--log-level", self.log_level),
        ]
        for name, value in given:
            if value is not None:
                options += [name, str(value)]
        switches = ("allow_private", "allow_http", "allow_http_token_urls", "insecure")
        return options + [f"--{one.replace('_', '-')}" for one in switches if getattr(self, one)]

    @property
    def speaks_tls(self) -> bool:
        """Whether the listeners have a certificate of their own."""
        return self.tls_cert is not None

    @property
    def gateway_domain(self) -> str:
        """`<vault>.<this>` names a vault at the gateway: the public URL's host, if it is a name."""
        host = urlsplit(self.public_url).hostname or ""
        return "" if is_address(host) else host

    def certificate(self) -> "ServerCertificate | None":
        """The listeners' certificate, read now. Raises VaultError: bad_request."""
        if self.tls_cert is None or self.tls_key is None:
            return None
        from proxy_core.worker.certificate import ServerCertificate

        return ServerCertificate(self.tls_cert, self.tls_key)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name other than localhost never counts."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


def public_origin(text: str) -> str:
    """A public URL as an origin: scheme and authority, in lower case, no default port.

    Raises VaultError: bad_request for what is none.
    """
    try:
        parts = urlsplit(text.strip().lower())
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        valid = valid and parts.path in {"", "/"} and not (parts.query or parts.fragment)
        valid = valid and parts.username is None and parts.netloc.isascii()
        port = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise VaultError("bad_request", "--public-url must look like https://HOST[:PORT].")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")
