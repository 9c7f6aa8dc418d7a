"""The CA files that a command under `vault-tui run` is pointed at.

`ca.pem` holds our certificate alone; `ca-bundle.pem` the system's roots and ours, for variables
that replace a program's own roots instead of adding to them. Where a CA is named for the worker's
own certificate, both hold it too. They lie in the home, and though they hold nothing secret, they
are as private as all that lies there.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from proxy_core.base.paths import Home
from vault_tui.cli.preferences import write_file

_MODE = 0o600
# Where distributions keep the roots as one file: Debian, Fedora, openSUSE, Alpine and BSD.
_USUAL_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def ca_path(home: Home) -> Path:
    """Our certificate alone."""
    return home.path / "ca.pem"


def bundle_path(home: Home) -> Path:
    """The system's roots and ours."""
    return home.path / "ca-bundle.pem"


def write_ca_files(
    home: Home, ca_pem: str, environ: Mapping[str, str] | None = None, more: str = ""
) -> None:
    """Write both files; each replaced in one step, so that a running command sees no half.

    `more` are roots that both hold beside ours, in PEM.
    """
    env = os.environ if environ is None else environ
    own = f"{ca_pem.strip()}\n{more}".strip() + "\n"
    roots = system_roots(env, exclude=bundle_path(home)).rstrip()
    _replace(ca_path(home), own)
    _replace(bundle_path(home), f"{roots}\n{own}" if roots else own)


def system_roots(environ: Mapping[str, str], exclude: Path) -> str:
    """The roots this user trusts, in PEM: SSL_CERT_FILE, a usual file, or OpenSSL's directory.

    `exclude` is our own bundle, which SSL_CERT_FILE names inside another `vault-tui run`.
    """
    named = environ.get("SSL_CERT_FILE", "")
    default = ssl.get_default_verify_paths().openssl_cafile
    for candidate in (named, *_USUAL_FILES, default):
        path = Path(candidate) if candidate else None
        if path is not None and path.is_file() and path != exclude:
            return path.read_text("utf-8", "replace")
    return _roots_by_openssl()


def _roots_by_openssl() -> str:
    context = ssl.create_default_context()
    found = context.get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in found)


def _replace(path: Path, text: str) -> None:
    content = text.encode()
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content, _MODE)
