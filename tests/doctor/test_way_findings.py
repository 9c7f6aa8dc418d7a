"""Proxies, CAs and clouds: what keeps requests from their way through the vault."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.domain.doctor.facts import LoginState
from tests.doctor.scene import OAUTH, OTHER, USER, Expected, Scene, assert_found
from tests.domain.doctor.well import WORKER

SCENES: dict[str, Expected] = {
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


@pytest.mark.parametrize("expected", SCENES.values(), ids=SCENES)
def test_each_has_its_finding(tmp_path: Path, expected: Expected) -> None:
    """With the one command that mends it."""
    assert_found(tmp_path, expected)
