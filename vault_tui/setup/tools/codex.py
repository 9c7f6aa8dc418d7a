"""Codex: a provider of its own in `config.toml`; in proxy mode variables in its `.env`.

It reads `.env` beside `config.toml` at the start, and takes nothing from there that begins with
CODEX_: hence SSL_CERT_FILE, which it heeds as well.
"""

from pathlib import Path
from typing import Any

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import Edit, FileEdits
from vault_tui.setup.tools import GATEWAY, Setup

PROVIDER = "vault-tui"
_KEY = "OPENAI_API_KEY"
_PLACEHOLDER = "__OPENAI_API_KEY__"
_HELPER_MS = 10_000


def build(mode: str, facts: Facts) -> Setup:
    """Where CODEX_HOME is set, everything lies in it."""
    directory = facts.directory("CODEX_HOME", ".codex")
    provider: dict[str, Any] = {"name": "OpenAI through Vault TUI"}
    if mode == GATEWAY:
        provider |= {
            "base_url": f"{facts.base_url('openai')}/v1",
            "wire_api": "responses",
            "auth": {
                "command": facts.helper[0],
                "args": list(facts.helper[1:]),
                "timeout_ms": _HELPER_MS,
                "refresh_interval_ms": facts.helper_ttl_ms,
            },
        }
        return Setup([_config(directory, provider)])
    provider |= {
        "base_url": "https://api.openai.com/v1",
        "wire_api": "responses",
        "env_key": _KEY,
    }
    variables = {
        "HTTPS_PROXY": facts.proxy_url,
        "HTTP_PROXY": facts.proxy_url,
        "NO_PROXY": facts.no_proxy,
        "SSL_CERT_FILE": facts.bundle_path,
        _KEY: _PLACEHOLDER,
    }
    edits = [Edit((name,), value) for name, value in variables.items()]
    return Setup(
        [_config(directory, provider), FileEdits(directory / ".env", "env", edits, secret=True)],
        ["Preferred: `vault-tui run -- codex`, whose token ends with the command."],
    )


def _config(directory: Path, provider: dict[str, Any]) -> FileEdits:
    edits = [Edit(("model_provider",), PROVIDER), Edit(("model_providers", PROVIDER), provider)]
    return FileEdits(directory / "config.toml", "toml", edits)
