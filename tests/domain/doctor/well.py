"""Facts where all is well, and changes to them."""

from dataclasses import replace
from typing import Any

from proxy_core.domain.doctor import (
    ClaudeFacts,
    Facts,
    HomeFacts,
    Probe,
    Scope,
    SettingsFile,
    WorkerFacts,
    diagnose,
)
from proxy_core.domain.doctor.facts import ServiceFacts

NOW = 1_800_000_000.0
PLACEHOLDER = "__PLACEHOLDER__"
PROXY = "http://vt_sess_x:default@127.0.0.1:14322"
SERVICE = ServiceFacts("anthropic-api", "api.anthropic.com", True, ("ANTHROPIC",), "anthropic")
WORKER = WorkerFacts(
    version="1.0",
    slots=("password",),
    api="127.0.0.1:14321",
    proxy="127.0.0.1:14322",
    ca_expires_at=NOW + 1e8,
    clock=0.2,
    services=(SERVICE,),
    credentials=frozenset({"ANTHROPIC"}),
    probe=Probe("api.anthropic.com", status=200, date=NOW + 1),
)
HOME = HomeFacts("/home/ada/.local/share/vault-tui", free_bytes=10**10)


def claude(*files: SettingsFile, environ: dict[str, str] | None = None, **more: Any) -> ClaudeFacts:
    """Claude Code in one directory; its variables stand in for the whole environment."""
    return ClaudeFacts(environ=environ or {}, installed=True, settings=files, **more)


def settings(scope: Scope = Scope.USER, **values: Any) -> SettingsFile:
    """A settings file, at a path that tells its scope."""
    return SettingsFile(scope, f"/{scope.value}/settings.json", values)


def facts(found: ClaudeFacts | None = None, **more: Any) -> Facts:
    """As under `vault-tui claude`, when nothing else is said."""
    usual = {"HTTPS_PROXY": PROXY, "https_proxy": PROXY}
    asked = found or claude(environ={"CLAUDE_CODE_OAUTH_TOKEN": PLACEHOLDER})
    environ = {**usual, **asked.environ, **more.pop("environ", {})}
    given = {"worker": WORKER, "home": HOME, "wired": True, "claude": asked, **more}
    return Facts(now=NOW, version="1.0", environ=environ, **given)


def worker(**changes: Any) -> Facts:
    """With another worker."""
    return facts(worker=replace(WORKER, **changes))


def home(**changes: Any) -> Facts:
    """With another data directory."""
    return facts(home=replace(HOME, **changes))


def codes(given: Facts) -> list[str]:
    """Of all findings, notes too."""
    return [finding.code for finding in diagnose(given).findings]
