"""Scripted environments: files of a person and of a project, variables; each finding and its cure.

Files are read as they lie there; the worker is one with which all is well.
"""

import asyncio
import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.paths import Home
from proxy_core.domain.doctor import Diagnosis, Facts, WorkerFacts, diagnose
from proxy_core.domain.doctor.facts import LoginState, ServiceFacts
from proxy_core.tokens.login import Login, LoginDirectory
from tests.domain.doctor.well import NOW, PLACEHOLDER, WORKER
from tests.oauth.servers import Script, listening, reply
from vault_tui.doctor.ca_files import ca_files
from vault_tui.doctor.claude_facts import claude_facts
from vault_tui.doctor.home_facts import home_facts
from vault_tui.doctor.scripts import TrustStore, project_scripts
from vault_tui.doctor.token_login import token_login_facts

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


USER, PROJECT, LOCAL = (
    ".claude/settings.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
)
CREDENTIALS = ".claude/.credentials.json"

SCENES: dict[str, tuple[Scene, str, str]] = {
    # what: (scene, code, remedy)
    "a key in the shell": (
        Scene({**OAUTH, "ANTHROPIC_API_KEY": "sk-ant-x"}),
        "real_secret",
        "unset ANTHROPIC_API_KEY",
    ),
    "a key in the user's settings": (
        Scene({}, user={USER: {"env": {"ANTHROPIC_API_KEY": "sk-ant-x"}}}),
        "real_secret",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "a token in the local settings": (
        Scene({}, project={LOCAL: {"env": {"ANTHROPIC_AUTH_TOKEN": "sk"}}}),
        "real_secret",
        "${EDITOR:-vi} PLACE/project/.claude/settings.local.json",
    ),
    "a placeholder key switches the login off": (
        Scene({**OAUTH, "ANTHROPIC_API_KEY": PLACEHOLDER}),
        "login_ignored",
        "unset ANTHROPIC_API_KEY",
    ),
    "a user's helper switches the login off": (
        Scene(user={USER: {"apiKeyHelper": "get-key"}}),
        "login_ignored",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "both a key and a token": (
        Scene({"ANTHROPIC_API_KEY": PLACEHOLDER, "ANTHROPIC_AUTH_TOKEN": PLACEHOLDER}),
        "two_credentials",
        "unset ANTHROPIC_AUTH_TOKEN",
    ),
    "a real login below the vault": (
        Scene({}, user={CREDENTIALS: REAL_LOGIN}),
        "real_login",
        "vault-tui claude",
    ),
    "a login that others can read": (
        Scene({}, user={CREDENTIALS: REAL_LOGIN}, mode=0o644),
        "login_open",
        "chmod 600 PLACE/ada/.claude/.credentials.json",
    ),
    "a login without the scope": (
        Scene({}, user={CREDENTIALS: {"claudeAiOauth": {"accessToken": PLACEHOLDER}}}),
        "login_scope",
        "vault-tui claude",
    ),
    "an expired login": (
        Scene(
            {},
            user={
                CREDENTIALS: {
                    "claudeAiOauth": {
                        "accessToken": "sk-x",
                        "expiresAt": (NOW - 60) * 1000,
                        "scopes": ["user:inference"],
                    }
                }
            },
        ),
        "login_expired",
        "vault-tui claude",
    ),
    "nothing at all": (Scene({}, user={USER: {}}), "no_credential", "vault-tui claude"),
    "bare without a key": (
        Scene(user={USER: {"apiKeyHelper": "get-key"}}, bare=True),
        "no_credential",
        "export ANTHROPIC_API_KEY=__PLACEHOLDER__",
    ),
    "a key of an earlier version": (
        Scene(user={".claude/config.json": {"primaryApiKey": "sk-old"}}),
        "stale_cache",
        "rm PLACE/ada/.claude/config.json",
    ),
    "a key that was once refused": (
        Scene(
            {"ANTHROPIC_API_KEY": "sk-ant-" + "k" * 20},
            user={".claude.json": {"customApiKeyResponses": {"rejected": ["k" * 20]}}},
        ),
        "key_rejected",
        "${EDITOR:-vi} PLACE/ada/.claude.json",
    ),
    "another place for the configuration": (
        Scene({"CLAUDE_CONFIG_DIR": "PLACE/ada/cc"}, user={"cc/.credentials.json": REAL_LOGIN}),
        "real_login",
        "vault-tui claude",
    ),
    "a project's helper": (
        Scene(project={PROJECT: {"apiKeyHelper": "./key.sh"}, "key.sh": "echo"}),
        "script_untrusted",
        "vault-tui trust PLACE/project",
    ),
    "a local export of keys": (
        Scene(project={LOCAL: {"awsCredentialExport": "aws sts"}}),
        "script_untrusted",
        "vault-tui trust PLACE/project",
    ),
    "a project that leads elsewhere": (
        Scene(project={PROJECT: {"env": {"ANTHROPIC_BASE_URL": "https://evil.example"}}}),
        "project_base_url",
        "${EDITOR:-vi} PLACE/project/.claude/settings.json",
    ),
    "settings that are no JSON": (
        Scene(user={USER: "{not json"}),
        "settings_unreadable",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "settings that replace the proxy": (
        Scene(user={USER: {"env": {"HTTPS_PROXY": "http://proxy.corp:3128"}}}),
        "settings_replace",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "a number in the settings' variables": (
        Scene(user={USER: {"env": {"API_TIMEOUT_MS": 50}}}),
        "api_timeout",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "headers of one's own": (
        Scene(user={USER: {"env": {"ANTHROPIC_CUSTOM_HEADERS": "X-Api-Key: sk"}}}),
        "custom_header",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "bedrock without credentials": (
        Scene(user={USER: {"env": {"CLAUDE_CODE_USE_BEDROCK": "1"}}}),
        "bedrock_credentials",
        "export CLAUDE_CODE_SKIP_BEDROCK_AUTH=1",
    ),
    "vertex without a project": (
        Scene(
            {"CLAUDE_CODE_USE_VERTEX": "1"},
            user={".config/gcloud/application_default_credentials.json": {}},
        ),
        "vertex_project",
        "export ANTHROPIC_VERTEX_PROJECT_ID=PROJECT",
    ),
    "unsigned without a proxy": (
        Scene({"CLAUDE_CODE_USE_FOUNDRY": "1", "CLAUDE_CODE_SKIP_FOUNDRY_AUTH": "1"}, wired=False),
        "unsigned",
        "vault-tui run -- claude",
    ),
    "past the proxy": (
        Scene({**OAUTH, "NO_PROXY": ".anthropic.com"}),
        "no_proxy",
        "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
    ),
    "another vault's CA": (
        Scene({**OAUTH, "SSL_CERT_FILE": "PLACE/vault/ca.pem"}, home={"ca.pem": OTHER}),
        "ca_other",
        "vault-tui run -- CMD…",
    ),
    "a CA that is gone": (
        Scene({**OAUTH, "NODE_EXTRA_CA_CERTS": "PLACE/vault/ca.pem"}),
        "ca_missing",
        "vault-tui ca --out PLACE/vault/ca.pem",
    ),
    "a CA by a relative path": (
        Scene({**OAUTH, "NODE_EXTRA_CA_CERTS": "ca.pem"}),
        "ca_relative",
        "vault-tui run -- CMD…",
    ),
    "a database that others can read": (
        Scene(home={"vault.db": "x"}, mode=0o644),
        "file_mode",
        "chmod 600 PLACE/vault/vault.db",
    ),
    "a managed context": (
        Scene(
            {**OAUTH, "ANTHROPIC_API_KEY": "sk-ant-x", "CLAUDE_CODE_ENTRYPOINT": "claude-desktop"}
        ),
        "managed_context",
        "vault-tui claude",
    ),
    "an unsigned cloud without a service that signs": (
        Scene({"CLAUDE_CODE_USE_FOUNDRY": "1", "CLAUDE_CODE_SKIP_FOUNDRY_AUTH": "1"}),
        "no_signing_service",
        "vault-tui service add --from-catalog foundry --vault default",
    ),
    "vertex past its version": (
        Scene({"CLAUDE_CODE_USE_VERTEX": "1", "ANTHROPIC_VERTEX_BASE_URL": "https://p.test"}),
        "vertex_base_url",
        "unset ANTHROPIC_VERTEX_BASE_URL",
    ),
    "a base URL with one version too many": (
        Scene({**OAUTH, "ANTHROPIC_BASE_URL": "https://api.anthropic.com/v1"}),
        "base_url_v1",
        "unset ANTHROPIC_BASE_URL",
    ),
    "a gateway behind a company's proxy": (
        Scene({**GATEWAY, "HTTPS_PROXY": "http://proxy.corp:3128"}, wired=False),
        "gateway_proxied",
        "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
    ),
    "a device whose login was revoked": (
        Scene(
            {},
            user={CREDENTIALS: GATEWAY_LOGIN},
            worker=replace(WORKER, gateway_token="unauthorized"),
        ),
        "gateway_token",
        "claude /login",
    ),
    "a login at a gateway that has ended": (
        Scene(
            {},
            user={
                CREDENTIALS: {
                    **GATEWAY_LOGIN,
                    "enterpriseGateway": {**GATEWAY_LOGIN["enterpriseGateway"], "expiresAt": 1000},
                }
            },
        ),
        "gateway_token",
        "claude /login",
    ),
    "a login at somebody else's gateway": (
        Scene(
            user={
                CREDENTIALS: {
                    "enterpriseGateway": {"url": "https://corp.test/cc", "jwt": "sk-ant-gateway"},
                    "gatewayTrust": {"corp.test": "ab"},
                }
            },
        ),
        "gateway_first",
        "claude /logout",
    ),
    "a helper that nobody is signed in for": (
        Scene({}, user={USER: HELPER}, wired=False),
        "helper_login",
        "vault-tui setup claude-code",
    ),
    "a helper whose login has ended": (
        Scene({}, user={USER: HELPER}, home={LOGIN: {"issuer": "https://i.test"}}, wired=False),
        "helper_login",
        "vault-tui auth login",
    ),
    "a helper whose token lives shorter than it is kept": (
        Scene(
            {},
            user={USER: HELPER},
            home={LOGIN: token_login(vault="default", expires_at=WRITTEN + 900)},
            wired=False,
        ),
        "helper_outlives",
        "vault-tui setup claude-code --token-ttl",
    ),
    "a helper whose issuer is not there": (
        Scene(
            {},
            user={USER: HELPER},
            home={LOGIN: token_login(issuer="http://127.0.0.1:9")},
            wired=False,
        ),
        "issuer_unreachable",
        "curl -sSI http://127.0.0.1:9",
    ),
    "a helper whose last refresh failed": (
        Scene(
            {},
            user={USER: HELPER},
            home={
                LOGIN: token_login(vault="default"),
                "login/refresh.failed": f"{WRITTEN + 600}\nThe issuer answered with HTTP 503.",
            },
            wired=False,
        ),
        "helper_refresh",
        "vault-tui auth token --refresh >/dev/null",
    ),
    "no account with quota": (
        Scene(
            worker=replace(WORKER, accounts=1, logins=(LoginState("account", "ada", "exhausted"),))
        ),
        "accounts_exhausted",
        "vault-tui account quota --vault default",
    ),
    "a token that goes nowhere": (
        Scene({**OAUTH, "AGENT_VAULT_TOKEN": "vt_sess_x"}, wired=False),
        "not_wired",
        "vault-tui run -- CMD…",
    ),
}


@pytest.mark.parametrize(("scene", "code", "remedy"), SCENES.values(), ids=SCENES)
def test_each_environment_has_its_finding(
    tmp_path: Path, scene: Scene, code: str, remedy: str
) -> None:
    """With the one command that mends it; and no value of a secret in what is said."""
    findings = {one.code: one for one in scene.look(tmp_path).findings}
    assert code in findings, list(findings)
    given = findings[code].remedy
    expected = remedy.replace("PLACE/", f"{tmp_path}/")
    # How long the token lives is told too, by the second.
    assert given.rpartition(" ")[0] == expected if expected.endswith("-ttl") else given == expected
    assert "sk-ant" not in repr(findings)


WELL: dict[str, Scene] = {
    "as under `vault-tui claude`": Scene(),
    "settings that say nothing of it": Scene(user={USER: {"model": "opus"}, ".claude.json": {}}),
    "a placeholder's login": Scene({}, user={CREDENTIALS: PLACEHOLDER_LOGIN}),
    "a helper that was trusted": Scene(
        {}, project={PROJECT: {"apiKeyHelper": "./key.sh"}, "key.sh": "echo"}, trusted=True
    ),
    "a real login that is not used": Scene(user={CREDENTIALS: REAL_LOGIN}),
    "nothing of Claude Code": Scene({}),
    "the right CA": Scene(
        {**OAUTH, "SSL_CERT_FILE": "PLACE/vault/all.pem"}, home={"all.pem": OTHER + CA}
    ),
    "this machine past the proxy": Scene({**OAUTH, "NO_PROXY": "localhost,127.0.0.1,::1"}),
    "a signing proxy": Scene(
        {
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
            "AWS_REGION": "eu-central-1",
        },
        worker=replace(
            WORKER,
            services=(
                ServiceFacts(
                    "bedrock", "bedrock-runtime.eu-central-1.amazonaws.com", True, ("AWS",)
                ),
            ),
            credentials=frozenset({"AWS"}),
        ),
    ),
    "a helper that is signed in": Scene(
        {}, user={USER: HELPER}, home={LOGIN: token_login(vault="default")}, wired=False
    ),
    "a login at the gateway": Scene({}, user={CREDENTIALS: GATEWAY_LOGIN, ".claude.json": {}}),
    "credentials of one's own for a cloud": Scene(
        {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-central-1"},
        user={".aws/credentials": "[default]\n"},
    ),
}


@pytest.mark.parametrize("scene", WELL.values(), ids=WELL)
def test_silence_where_all_is_well(tmp_path: Path, scene: Scene) -> None:
    """No finding, not even a note."""
    assert scene.look(tmp_path).findings == ()


async def test_the_issuer_of_the_command_is_asked_for_its_clock(tmp_path: Path) -> None:
    """By what it publishes for everybody; no token is sent."""
    home = Home(tmp_path / "vault")
    script = Script(reply(Date="Mon, 01 Jan 2024 00:00:00 GMT"))
    async with listening(script) as port:
        issuer = f"http://127.0.0.1:{port}"
        LoginDirectory(home).save(Login(issuer=issuer, kept="file", refreshable=True))
        found = await asyncio.to_thread(token_login_facts, home)
    assert found is not None
    assert (found.usable, found.issuer, found.unreachable) == (True, issuer, "")
    assert found.clock is not None
    assert found.clock < -60
    (asked,) = script.received
    assert asked.target == "/.well-known/openid-configuration"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "yesterday"])
async def test_an_issuer_whose_clock_tells_no_time(tmp_path: Path, date: str) -> None:
    """It answers, and that is all that is known."""
    home = Home(tmp_path / "vault")
    async with listening(Script(reply(Date=date))) as port:
        LoginDirectory(home).save(Login(issuer=f"http://127.0.0.1:{port}", kept="file"))
        found = await asyncio.to_thread(token_login_facts, home)
    assert found is not None
    assert (found.unreachable, found.clock) == ("", None)


def test_a_strange_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe in the place of the settings."""
    (tmp_path / "ada" / ".claude").mkdir(parents=True)
    os.mkfifo(tmp_path / "ada" / ".claude" / "settings.json")
    findings = {one.code: one for one in Scene().look(tmp_path).findings}
    assert "it is not a regular file" in findings["settings_unreadable"].what
