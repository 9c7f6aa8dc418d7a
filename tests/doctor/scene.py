"""Scripted environments: files of a person and of a project, variables, and what is found there.

Files are read as they lie there; the worker is one with which all is well.
"""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy_core.base.paths import Home
from proxy_core.domain.doctor import Diagnosis, Facts, WorkerFacts, diagnose
from tests.domain.doctor.well import NOW, PLACEHOLDER, WORKER
from vault_tui.doctor.ca_files import ca_files
from vault_tui.doctor.claude_facts import claude_facts
from vault_tui.doctor.home_facts import home_facts
from vault_tui.doctor.scripts import TrustStore, project_scripts
from vault_tui.doctor.token_login import token_login_facts

USER, PROJECT, LOCAL = (
    ".claude/settings.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
)
CREDENTIALS = ".claude/.credentials.json"

OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": PLACEHOLDER}
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
CA, OTHER = PEM.format("b3Vycw=="), PEM.format("b3RoZXI=")
REAL_LOGIN = {
    "claudeAiOauth": {
        "accessToken": "sk-ant-oat-real",
        "refreshToken": "sk-ant-ort-real",
        "expiresAt": (NOW + 600) * 1000,
        "scopes": ["user:inference"],
    }
}
PLACEHOLDER_LOGIN = {"claudeAiOauth": {"accessToken": PLACEHOLDER, "scopes": ["user:inference"]}}

GATEWAY = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:14322/anthropic"}
GATEWAY_LOGIN: dict[str, dict[str, Any]] = {
    "enterpriseGateway": {
        "url": GATEWAY["ANTHROPIC_BASE_URL"],
        "jwt": "vt_sess_sk-ant",
        "expiresAt": (NOW + 600) * 1000,
    },
    "gatewayTrust": {"127.0.0.1": "http-loopback"},
}
HELPER = {
    "apiKeyHelper": "vault-tui auth token",
    "env": {**GATEWAY, "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "3300000"},
}
LOGIN = "login/login.json"
WRITTEN = time.time()
"""When the files were written, however long ago that is by the time of the test."""


def token_login(**known: Any) -> dict[str, Any]:
    """A login for `vault-tui auth token`, whose token ends in an hour unless told otherwise."""
    return {"kept": "file", "refreshable": True, "expires_at": WRITTEN + 3600, **known}


@dataclass
class Scene:
    """`user`, `project`, `home`: files by name, written as JSON unless they are text already."""

    environ: dict[str, str] = field(default_factory=lambda: dict(OAUTH))
    user: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    home: dict[str, Any] = field(default_factory=dict)
    worker: WorkerFacts = WORKER
    trusted: bool = False
    bare: bool = False
    wired: bool = True
    mode: int = 0o600

    def look(self, place: Path) -> Diagnosis:
        """Write the files, gather the facts, ask the rules."""
        user, project, home = place / "ada", place / "project", Home(place / "vault")
        (place / "claude").write_text("#!/bin/sh\n")
        (place / "claude").chmod(0o755)
        self._write(user, self.user)
        self._write(project, self.project)
        home.prepare()
        self._write(home.path, self.home)
        environ = {
            name: text.replace("PLACE/", f"{place}/") for name, text in self.environ.items()
        } | {"HOME": str(user), "PATH": str(place)}
        store = TrustStore(home)
        if self.trusted:
            store.trust(project_scripts(project, environ, store))
        proxy = {"HTTPS_PROXY": WORKER.proxy, "https_proxy": WORKER.proxy}
        environ = {**(proxy if self.wired else {}), **environ}
        return diagnose(
            Facts(
                now=NOW,
                version="1.0",
                environ=environ,
                worker=self.worker,
                home=home_facts(home, environ),
                wired=self.wired,
                claude=claude_facts(project, environ, home, bare=self.bare),
                token_login=token_login_facts(home),
                ca_files=tuple(ca_files(environ, CA)),
            )
        )

    def _write(self, place: Path, files: dict[str, Any]) -> None:
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            path.chmod(self.mode)
            os.utime(path, (WRITTEN, WRITTEN))


Expected = tuple[Scene, str, str]
"""A scene, the code of what is found there, and the command that mends it."""


def assert_found(place: Path, expected: Expected) -> None:
    """With the one command that mends it; and no value of a secret in what is said."""
    scene, code, remedy = expected
    findings = {one.code: one for one in scene.look(place).findings}
    assert code in findings, list(findings)
    given = findings[code].remedy
    wanted = remedy.replace("PLACE/", f"{place}/")
    # How long the token lives is told too, by the second.
    assert given.rpartition(" ")[0] == wanted if wanted.endswith("-ttl") else given == wanted
    assert "sk-ant" not in repr(findings)
