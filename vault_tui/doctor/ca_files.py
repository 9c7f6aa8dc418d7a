"""The CA files that the environment names."""

import re
from collections.abc import Mapping
from pathlib import Path

from proxy_core.domain.doctor import CaFacts
from vault_tui.cli.running.run_env import BUNDLE_VARIABLES
from vault_tui.doctor.settings_files import Unreadable, read_bytes

OWN_VARIABLE = "NODE_EXTRA_CA_CERTS"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def ca_files(environ: Mapping[str, str], ca_pem: str) -> list[CaFacts]:
    """One for each variable that is set; `ca_pem` is the worker's CA, empty when not known."""
    named = [(name, environ.get(name, "")) for name in (OWN_VARIABLE, *BUNDLE_VARIABLES)]
    return [_facts(name, value, ca_pem) for name, value in named if value]


def holds(path: Path, ca_pem: str) -> bool | None:
    """Whether a PEM file has that certificate; None: nothing to look for, or no such file."""
    try:
        content = read_bytes(path)
    except Unreadable:
        return None
    wanted = _bodies(ca_pem.encode())
    if content is None or not wanted:
        return None
    return wanted <= _bodies(content)


def _facts(variable: str, value: str, ca_pem: str) -> CaFacts:
    path = Path(value)
    return CaFacts(variable, value, path.is_absolute(), path.is_file(), holds(path, ca_pem))


def _bodies(pem: bytes) -> set[bytes]:
    """The certificates' base64, without its line ends."""
    return {b"".join(body.split()) for body in _PEM.findall(pem)}
