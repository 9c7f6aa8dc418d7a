"""The worker's command line, as the config that it stands for."""

import argparse
import grp
import os
from collections.abc import Sequence
from pathlib import Path

from proxy_core.base import variables
from proxy_core.base.paths import Home
from proxy_core.worker.config import (
    DEFAULT_API_PORT,
    DEFAULT_PROXY_PORT,
    WorkerConfig,
    public_origin,
)
from proxy_core.worker.handover import (
    DATABASE_OPTION,
    PASSWORD_OPTION,
    URL_FILE_OPTION,
    URL_OPTION,
    take,
)
from proxy_core.worker.password import first_line


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
    _add_listeners(parser)
    _add_database(parser)
    _add_upstreams(parser)
    _add_reach(parser)
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE", help="log there instead of to stderr"
    )
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info"
    )
    # Set by the worker itself when it re-executes, as DATABASE_OPTION is: numbers, never secrets.
    parser.add_argument(PASSWORD_OPTION, type=int, help=argparse.SUPPRESS)
    return parser


def _add_listeners(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--home", metavar="DIR", help="data directory (default: VAULT_TUI_HOME, or the user's)")
    add("--host", default="127.0.0.1", help="address of both listeners (default: %(default)s)")
    add("--port", type=_port, default=DEFAULT_API_PORT, help="API port; 0 picks one")
    add("--proxy-port", type=_port, default=DEFAULT_PROXY_PORT, help="proxy port; 0 picks one")
    add("--socket-group", metavar="GROUP", help="operators who may open the control socket")


def _add_database(parser: argparse.ArgumentParser) -> None:
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


def _add_upstreams(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
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


def _add_reach(parser: argparse.ArgumentParser) -> None:
    """How other machines reach the listeners."""
    add = parser.add_argument
    add("--insecure", action="store_true", help="listen beyond loopback without TLS")
    add(
        "--tls-cert",
        type=Path,
        default=_file_named_by(variables.TLS_CERT),
        metavar="FILE",
        help="serve TLS with this certificate and its chain, PEM; read again when it changes "
        "(default: VAULT_TUI_TLS_CERT)",
    )
    add(
        "--tls-key",
        type=Path,
        default=_file_named_by(variables.TLS_KEY),
        metavar="FILE",
        help="its private key, PEM, readable by you alone (default: VAULT_TUI_TLS_KEY)",
    )
    add(
        "--public-url",
        default=os.environ.get(variables.PUBLIC_URL, ""),
        metavar="URL",
        help="where other machines reach the API, https://HOST[:PORT] "
        "(default: VAULT_TUI_PUBLIC_URL)",
    )


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
