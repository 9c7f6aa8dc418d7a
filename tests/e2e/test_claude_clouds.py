"""The real Claude Code with its models at other clouds: the worker signs, it holds nothing."""

import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cloud.checking import KEY_ID, SECRET
from tests.e2e.claude_code import ClaudeCode, installed
from tests.e2e.clouds import BEDROCK, FOUNDRY, FOUNDRY_KEY, GOOGLE_TOKENS, HOSTS, VERTEX, Clouds
from tests.e2e.program import VAULT_TUI, Program, connect_to

pytest.importorskip("botocore", reason="botocore is not installed (the extra aws)")
pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

TEXT = "hi from a cloud"
# By catalogue entry: where messages go, the environment, and what is read when it refuses.
CLOUDS = {
    "bedrock": (
        BEDROCK,
        {
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
            "AWS_REGION": "us-east-1",
        },
        "AWS authentication failed",
    ),
    "vertex": (
        VERTEX,
        {
            "CLAUDE_CODE_USE_VERTEX": "1",
            "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
            "ANTHROPIC_VERTEX_PROJECT_ID": "project",
            "CLOUD_ML_REGION": "global",
        },
        "Google Cloud authentication failed",
    ),
    "foundry": (
        FOUNDRY,
        {
            "CLAUDE_CODE_USE_FOUNDRY": "1",
            "CLAUDE_CODE_SKIP_FOUNDRY_AUTH": "1",
            "ANTHROPIC_FOUNDRY_RESOURCE": "acme",
        },
        "Microsoft Foundry authentication failed",
    ),
}


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Clouds]]:
    """A worker with a service for each cloud, in front of all of them."""
    installed()
    base = tmp_path_factory.mktemp("clouds")
    made = Clouds(base, TEXT)
    with Program(base) as program:
        options = connect_to(dict.fromkeys(HOSTS, made.port))
        program.set_up("--upstream-ca", str(made.ca), *options)
        secrets = {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AZURE_FOUNDRY_KEY": FOUNDRY_KEY,
            "GCP_KEY_FILE": google_key(),
        }
        for name, value in secrets.items():
            program.command("credential", "set", name, input=value)
        for entry in ("bedrock", "bedrock-models", "vertex", "foundry"):
            program.command("service", "add", "--from-catalog", entry)
        yield program, made
    made.stop()


def google_key() -> str:
    """A service account's key file."""
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "claude@project.iam.gserviceaccount.com",
            "private_key": private.decode(),
            "private_key_id": "1",
            "project_id": "project",
            "token_uri": f"https://{GOOGLE_TOKENS}/token",
        }
    )


@pytest.mark.parametrize("cloud", sorted(CLOUDS))
def test_it_answers_and_says_what_is_refused(clouds: tuple[Program, Clouds], cloud: str) -> None:
    """With the worker's signature, token or key; the cloud's own refusal is read in a minute."""
    program, upstream = clouds
    host, variables, refused = CLOUDS[cloud]
    command = (VAULT_TUI, "run", "--", installed())
    claude = ClaudeCode(program, installed(), program.base / cloud, command, variables)
    said = claude.say()
    assert TEXT in said.text
    assert host in upstream.good
    upstream.status = 403
    try:
        said = claude.say()
    finally:
        upstream.status = 0
    assert refused in said.text
    assert "API Error: 403 told by the cloud" in said.text
    assert upstream.refused == []
