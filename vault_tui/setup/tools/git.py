"""git: the proxy and its roots for named hosts alone, over https without a user name."""

from pathlib import Path

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import Edit, FileEdits
from vault_tui.setup.tools import Setup


def build(mode: str, facts: Facts) -> Setup:  # noqa: ARG001 - every tool's signature
    """The user's own configuration; `facts.hosts` are the hosts."""
    edits = []
    for host in facts.hosts:
        section = ("http", f"https://{host}/")
        edits += [
            Edit((*section, "proxy"), facts.proxy_url),
            # Else curl asks without the token first.
            Edit((*section, "proxyAuthMethod"), "basic"),
            Edit((*section, "sslCAInfo"), facts.bundle_path),
        ]
    example = facts.hosts[0] if facts.hosts else "HOST"
    notes = [
        f"Remotes are to be https://{example}/… without a user name: the vault attaches the "
        "credential. `git remote set-url` changes those that use ssh."
    ]
    return Setup([FileEdits(_configuration(facts), "git", edits, secret=True)], notes)


def _configuration(facts: Facts) -> Path:
    """Where `git config --global` writes."""
    named = facts.environ.get("GIT_CONFIG_GLOBAL", "")
    if named.startswith("/"):
        return Path(named)
    usual = facts.home / ".gitconfig"
    other = facts.directory("XDG_CONFIG_HOME", ".config") / "git" / "config"
    return other if other.exists() and not usual.exists() else usual
