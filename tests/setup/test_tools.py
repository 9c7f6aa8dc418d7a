"""What each program is given."""

import dataclasses
import json
from pathlib import Path

import pytest

from vault_tui.setup.facts import TOKEN_STAND_IN, Facts
from vault_tui.setup.plan import changes_for
from vault_tui.setup.tools import GATEWAY, PROXY, TOOLS

FACTS = Facts(
    proxy="127.0.0.1:14322",
    vault="work",
    ca_path="/home/ada/ca.pem",
    bundle_path="/home/ada/bundle.pem",
    no_proxy="localhost",
    home=Path("/nowhere"),
    environ={},
    prefixes={"anthropic": "anthropic", "openai": "openai"},
    hosts=("github.com",),
)
PROXY_URL = f"http://{TOKEN_STAND_IN}:work@127.0.0.1:14322"


def written(name: str, mode: str, home: Path, **more: object) -> dict[str, str]:
    """The files' new texts, by their paths below the home."""
    facts = dataclasses.replace(FACTS, home=home, **more)  # type: ignore[arg-type]
    changes = changes_for(TOOLS[name].build(mode, facts).files, home)
    return {str(one.path.relative_to(home)): (one.after or b"").decode() for one in changes}


def test_claude_code_by_gateway(tmp_path: Path) -> None:
    """A base URL and a helper; no token in any file."""
    (name, text), *others = written("claude-code", GATEWAY, tmp_path).items()
    assert not others
    assert name == ".claude/settings.json"
    assert json.loads(text) == {
        "env": {
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:14322/anthropic",
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "3300000",
        },
        "apiKeyHelper": "vault-tui auth token",
    }


def test_claude_code_by_gateway_over_tls(tmp_path: Path) -> None:
    """Then it has to trust the certificate's root."""
    (text,) = written("claude-code", GATEWAY, tmp_path, proxy_tls=True).values()
    env = json.loads(text)["env"]
    assert env["ANTHROPIC_BASE_URL"] == "https://127.0.0.1:14322/anthropic"
    assert env["NODE_EXTRA_CA_CERTS"] == FACTS.ca_path


def test_claude_code_by_proxy(tmp_path: Path) -> None:
    """Variables, a login that is a placeholder and can't be refreshed, no first questions."""
    (tmp_path / ".claude").mkdir()
    login = {"claudeAiOauth": {"accessToken": "real", "refreshToken": "r"}, "mcpOAuth": {"x": 1}}
    (tmp_path / ".claude" / ".credentials.json").write_text(json.dumps(login))
    texts = written("claude-code", PROXY, tmp_path)
    found = {name: json.loads(text) for name, text in texts.items()}
    assert found[".claude.json"] == {"hasCompletedOnboarding": True}
    kept = found[".claude/.credentials.json"]
    assert kept["claudeAiOauth"]["accessToken"] == "__PLACEHOLDER__"
    assert "user:inference" in kept["claudeAiOauth"]["scopes"]
    assert "refreshToken" not in kept["claudeAiOauth"]
    assert kept["mcpOAuth"] == {"x": 1}
    env = found[".claude/settings.json"]["env"]
    assert env["HTTPS_PROXY"] == PROXY_URL
    assert env["NODE_EXTRA_CA_CERTS"] == FACTS.ca_path


@pytest.mark.parametrize(("known", "told"), [("pro", "pro"), ("", "max"), ("odd\n", "max")])
def test_claude_code_is_told_what_the_account_pays_for(
    tmp_path: Path, known: str, told: str
) -> None:
    """It offers models by it; what nobody knows is taken for the largest."""
    texts = written("claude-code", PROXY, tmp_path, subscription=known)
    login = json.loads(texts[".claude/.credentials.json"])["claudeAiOauth"]
    assert login["subscriptionType"] == told


def test_claude_code_with_a_directory_of_its_own(tmp_path: Path) -> None:
    """CLAUDE_CONFIG_DIR holds all three."""
    own = tmp_path / "own"
    own.mkdir()
    names = written("claude-code", PROXY, tmp_path, environ={"CLAUDE_CONFIG_DIR": str(own)})
    assert sorted(names) == ["own/.claude.json", "own/.credentials.json", "own/settings.json"]


def test_codex_by_gateway(tmp_path: Path) -> None:
    """A provider with a command for its token; what the file says otherwise stays."""
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text('# mine\nmodel = "m"\n\n[tui]\na = 1\n')
    (text,) = written("codex", GATEWAY, tmp_path).values()
    assert text.startswith('# mine\nmodel = "m"\nmodel_provider = "vault-tui"\n')
    assert 'base_url = "http://127.0.0.1:14322/openai/v1"' in text
    assert 'command = "vault-tui"\nargs = ["auth", "token"]' in text
    assert "env_key" not in text


def test_codex_by_proxy(tmp_path: Path) -> None:
    """Variables in its own file, none of which begins with CODEX_: it would drop those."""
    texts = written("codex", PROXY, tmp_path)
    assert f"HTTPS_PROXY={PROXY_URL}\n" in texts[".codex/.env"]
    assert "OPENAI_API_KEY=__OPENAI_API_KEY__\n" in texts[".codex/.env"]
    assert "CODEX_" not in texts[".codex/.env"]
    assert 'env_key = "OPENAI_API_KEY"' in texts[".codex/config.toml"]


def test_cursor(tmp_path: Path) -> None:
    """Comments stay, and certificates are checked."""
    path = tmp_path / ".config" / "Cursor" / "User" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text('{\n  // mine\n  "http.proxyStrictSSL": false,\n}\n')
    (text,) = written("cursor", PROXY, tmp_path).values()
    assert '// mine\n  "http.proxyStrictSSL": true,\n' in text
    assert f'"http.proxy": "{PROXY_URL}"' in text


def test_git(tmp_path: Path) -> None:
    """For the host alone; git itself reads it so."""
    texts = written("git", PROXY, tmp_path)
    assert list(texts) == [".gitconfig"]
    assert '[http "https://github.com/"]' in texts[".gitconfig"]
    assert PROXY_URL in texts[".gitconfig"]
    (tmp_path / ".config" / "git").mkdir(parents=True)
    (tmp_path / ".config" / "git" / "config").write_text("")
    assert list(written("git", PROXY, tmp_path)) == [".config/git/config"]


def test_docker(tmp_path: Path) -> None:
    """As containers see this machine; logins at registries stay."""
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"auths": {"r": {"auth": "x"}}}')
    (text,) = written("docker", PROXY, tmp_path).values()
    found = json.loads(text)
    assert found["auths"] == {"r": {"auth": "x"}}
    url = PROXY_URL.replace("127.0.0.1", "host.docker.internal")
    assert found["proxies"]["default"]["httpsProxy"] == url


@pytest.mark.parametrize("name", TOOLS)
def test_files_with_a_token_are_marked_secret(name: str) -> None:
    """So that nobody else may read them; and no file is without one for nothing."""
    for mode in TOOLS[name].modes:
        for file in TOOLS[name].build(mode, FACTS).files:
            holds = any(TOKEN_STAND_IN in str(edit.value) for edit in file.edits)
            assert file.secret or not holds


def test_facts_tell_no_token() -> None:
    """Not in a traceback either."""
    assert TOKEN_STAND_IN not in repr(FACTS)
    edits = TOOLS["claude-code"].build(PROXY, FACTS).files[0].edits
    assert TOKEN_STAND_IN not in repr(edits)
