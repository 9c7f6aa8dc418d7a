"""Environments with which all is well."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.domain.doctor.facts import ServiceFacts
from tests.doctor.scene import (
    CA,
    CREDENTIALS,
    GATEWAY_LOGIN,
    HELPER,
    LOGIN,
    OAUTH,
    OTHER,
    PLACEHOLDER_LOGIN,
    PROJECT,
    REAL_LOGIN,
    USER,
    Scene,
    token_login,
)
from tests.domain.doctor.well import WORKER

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
