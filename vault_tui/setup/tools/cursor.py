"""Cursor: `settings.json` as VS Code has it, with comments. Its own roots come from elsewhere."""

import sys
from pathlib import Path

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import Edit, FileEdits
from vault_tui.setup.tools import Setup


def build(mode: str, facts: Facts) -> Setup:  # noqa: ARG001 - every tool's signature
    """The editor, its extensions and its terminals."""
    variables = {
        "HTTPS_PROXY": facts.proxy_url,
        "HTTP_PROXY": facts.proxy_url,
        "NO_PROXY": facts.no_proxy,
        "NODE_EXTRA_CA_CERTS": facts.ca_path,
        "SSL_CERT_FILE": facts.bundle_path,
        "CURL_CA_BUNDLE": facts.bundle_path,
        "REQUESTS_CA_BUNDLE": facts.bundle_path,
        "GIT_SSL_CAINFO": facts.bundle_path,
    }
    system = "osx" if sys.platform == "darwin" else "linux"
    edits = [
        Edit(("http.proxy",), facts.proxy_url),
        Edit(("http.proxySupport",), "override"),
        Edit(("http.proxyStrictSSL",), True),
        # HTTP/2 streams do not pass a proxy that ends TLS with HTTP/1.1.
        Edit(("cursor.general.disableHttp2",), True),
        *(
            Edit((f"terminal.integrated.env.{system}", name), value)
            for name, value in variables.items()
        ),
    ]
    notes = [
        "Cursor trusts the vault's certificate only when it is started with "
        f"NODE_EXTRA_CA_CERTS={facts.ca_path}, or when the system trusts it.",
        "Cursor's own models are reached with its own login; the vault's services count for "
        "extensions and for what runs in its terminals.",
    ]
    return Setup([FileEdits(_settings(facts), "jsonc", edits, secret=True)], notes)


def _settings(facts: Facts) -> Path:
    if sys.platform == "darwin":
        base = facts.home / "Library" / "Application Support"
    else:
        base = facts.directory("XDG_CONFIG_HOME", ".config")
    return base / "Cursor" / "User" / "settings.json"
