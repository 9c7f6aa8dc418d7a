"""The worker's options, from its command line."""

import argparse
import grp
import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.domain.hosts import is_address
from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.worker.handover import (
    DATABASE_OPTION,
    PASSWORD_OPTION,
    URL_FILE_OPTION,
    URL_OPTION,
    take,
)
from proxy_core.worker.password import first_line

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


def parse_options(arguments: Sequence[str]) -> WorkerConfig:
    """The config of a command line. Exits with status 2 and a usage line when it is wrong."""
    parser = _parser()
    found = parser.parse_args(arguments)
    try:
        group = None if found.socket_group is None else _group_id(found.socket_group)
    except KeyError:
        parser.error(f"there is no group {found.socket_group!r}")
    return WorkerConfig(
        home=Home.locate(found.home),
        host=found.host.strip("[]"),
        port=found.port,
        proxy_port=found.proxy_port,
        socket_group=group,
        database=_database(found),
        connect_to=tuple(found.connect_to),
        upstream_ca=tuple(path.absolute() for path in found.upstream_ca),
        allow_private=found.allow_private,
        allow_http=found.allow_http,
        allow_http_token_urls=found.allow_http_token_urls,
        insecure=found.insecure,
        tls_cert=found.tls_cert and found.tls_cert.absolute(),
        tls_key=found.tls_key and found.tls_key.absolute(),
        public_url=found.public_url and public_origin(found.public_url),
        log_file=found.log_file and found.log_file.absolute(),
        log_level=found.log_level,
        password_descriptor=found.password_fd,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vault-tui worker",
        description="Serve the proxy and the API in the foreground.",
        epilog="Exit status: 0 stopped, 1 failed, 2 usage, 3 database unavailable, "
        "5 refused (wrong master password).",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--home", metavar="DIR", help="data directory (default: VAULT_TUI_HOME, or the user's)")
    add("--host", default="127.0.0.1", help="address of both listeners (default: %(default)s)")
    add("--port", type=_port, default=DEFAULT_API_PORT, help="API port; 0 picks one")
    add("--proxy-port", type=_port, default=DEFAULT_PROXY_PORT, help="proxy port; 0 picks one")
    add("--socket-group", metavar="GROUP", help="operators who may open the control socket")
    database = parser.add_mutually_exclusive_group()
    database.add_argument(
        URL_OPTION,
        default="",
        metavar="URL",
        help="postgresql+psycopg://USER:PASSWORD@HOST/NAME instead of the home's SQLite file; "
        "better in VAULT_TUI_DATABASE_URL or a file, since other users may see how the worker "
        "was started",
    )
    database.add_argument(
        URL_FILE_OPTION, type=Path, metavar="FILE", help="the URL is this file's first line"
    )
    database.add_argument(DATABASE_OPTION, type=int, help=argparse.SUPPRESS)
    add(
        "--connect-to",
        action="append",
        default=[],
        metavar="HOST:PORT:ADDR:PORT",
        help="send a host elsewhere, as curl does; repeatable",
    )
    add(
        "--upstream-ca",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an extra root for upstreams, PEM; repeatable",
    )
    add("--allow-private", action="store_true", help="let agents reach private networks")
    add("--allow-http", action="store_true", help="inject credentials over plain http")
    add(
        "--allow-http-token-urls",
        action="store_true",
        help="OAuth token endpoints on this machine may be plain http; for tests",
    )
    add("--insecure", action="store_true", help="listen beyond loopback without TLS")
    add(
        "--tls-cert",
        type=Path,
        default=_file_named_by("VAULT_TUI_TLS_CERT"),
        metavar="FILE",
        help="serve TLS with this certificate and its chain, PEM; read again when it changes "
        "(default: VAULT_TUI_TLS_CERT)",
    )
    add(
        "--tls-key",
        type=Path,
        default=_file_named_by("VAULT_TUI_TLS_KEY"),
        metavar="FILE",
        help="its private key, PEM, readable by you alone (default: VAULT_TUI_TLS_KEY)",
    )
    add(
        "--public-url",
        default=os.environ.get("VAULT_TUI_PUBLIC_URL", ""),
        metavar="URL",
        help="where other machines reach the API, https://HOST[:PORT] "
        "(default: VAULT_TUI_PUBLIC_URL)",
    )
    add("--log-file", type=Path, metavar="FILE", help="log there instead of to stderr")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    # Set by the worker itself when it re-executes, as DATABASE_OPTION is: numbers, never secrets.
    add(PASSWORD_OPTION, type=int, help=argparse.SUPPRESS)
    return parser


def _database(found: argparse.Namespace) -> str:
    """The database's URL, wherever it was given. Raises VaultError: bad_request."""
    if found.database_url_file is not None:
        url = first_line(found.database_url_file, URL_FILE_OPTION)
    elif found.database_url_fd is not None:
        url = take(found.database_url_fd)
    else:
        return str(found.database_url)
    return url.decode("utf-8", "replace").strip()


def _file_named_by(variable: str) -> Path | None:
    name = os.environ.get(variable)
    return Path(name) if name else None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return int(text)


def _group_id(name: str) -> int:
    return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
