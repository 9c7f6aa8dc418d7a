"""Docker: `config.json` gives every container and build the proxy's variables."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import Edit, FileEdits
from vault_tui.setup.tools import Setup

_HOST = "host.docker.internal"
_INSIDE = "/etc/ssl/vault-tui.pem"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def build(mode: str, facts: Facts) -> Setup:  # noqa: ARG001 - every tool's signature
    """A proxy of this machine is named as containers see it."""
    parts = urlsplit(facts.proxy_url)
    is_here = parts.hostname in _LOOPBACK
    url = facts.proxy_url
    if is_here:
        url = f"{parts.scheme}://{facts.token}:{facts.vault}@{_HOST}:{parts.port}"
    default = ("proxies", "default")
    edits = [
        Edit((*default, "httpProxy"), url),
        Edit((*default, "httpsProxy"), url),
        Edit((*default, "noProxy"), facts.no_proxy),
    ]
    path = facts.directory("DOCKER_CONFIG", ".docker") / "config.json"
    return Setup([FileEdits(path, "json", edits, secret=True)], _notes(facts.bundle_path, is_here))


def _notes(bundle: str, is_here: bool) -> list[str]:
    names = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    variables = " ".join(f"-e {name}={_INSIDE}" for name in names)
    mount = json.dumps(f"{Path(bundle)}:{_INSIDE}:ro")
    notes = [
        f"A container trusts the vault's certificate with `docker run -v {mount} {variables} …`; "
        "an image for good with COPY and `update-ca-certificates`.",
        "Every container and build gets the token: give it a vault of its own.",
    ]
    if is_here:
        notes.append(
            f"Containers reach this machine as {_HOST}: on Linux with "
            f"`--add-host={_HOST}:host-gateway`, and a worker that listens there "
            "(`vault-tui worker --host …` with TLS, or --insecure on a bridge you trust)."
        )
    return notes
