"""`account import` of real files, at a real provider."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import CommandLine
from tests.oauth.servers import Received
from tests.worker.oauth_provider import LiveProvider

CREATED, USED = "2024-01-01T00:00:00.000Z", "2024-01-05T12:00:00.000Z"


class JsonProvider(LiveProvider):
    """Is asked in JSON, as Anthropic is."""

    async def __call__(self, request: Received) -> bytes | None:
        fields = urlencode(json.loads(request.body)).encode() if request.body else b""
        return await super().__call__(replace(request, body=fields))


@pytest.fixture
def provider() -> Iterator[JsonProvider]:
    """A running provider."""
    with JsonProvider() as running:
        yield running


@pytest.fixture
def vault(line: CommandLine, request: pytest.FixtureRequest) -> Iterator[str]:
    """A vault for one test."""
    name = f"import-{abs(hash(request.node.name)) % 10**8}"
    line.ok("vault", "create", name)
    yield name
    line.ok("vault", "delete", name, "--yes")


def ccs(directory: Path, provider: JsonProvider, *emails: str) -> Path:
    """A directory of CCS with these accounts, the last of them the default."""
    auth = directory / ".ccs" / "cliproxy" / "auth"
    auth.mkdir(parents=True)
    accounts = {}
    for email in emails:
        access, refresh = provider.seed()
        tokens = {"type": "claude", "access_token": access.decode(), "email": email}
        name = f"claude-{email}.json"
        document = {**tokens, "refresh_token": refresh.decode(), "expiry_date": 1700000000000}
        (auth / name).write_text(json.dumps(document))
        times = {"createdAt": CREATED, "lastUsedAt": USED}
        nickname = f"{email[:3]}-work"
        accounts[email] = {"email": email, "nickname": nickname, "tokenFile": name, **times}
    registry = {"version": 1, "providers": {"claude": {"default": email, "accounts": accounts}}}
    (auth.parent / "accounts.json").write_text(json.dumps(registry))
    return auth


def own_file(directory: Path, provider: JsonProvider) -> Path:
    """Claude Code's file."""
    access, refresh = provider.seed()
    oauth = {"accessToken": access.decode(), "refreshToken": refresh.decode(), "scopes": ["x"]}
    path = directory / ".claude" / ".credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"claudeAiOauth": oauth, "mcpOAuth": {"a": 1}}))
    return path


def at(provider: JsonProvider, vault: str) -> tuple[str, ...]:
    """Options for this provider and vault."""
    url = f"http://127.0.0.1:{provider.port}/token"
    return ("--token-url", url, "--client-id", "cli", "--vault", vault)


def home(directory: Path) -> dict[str, str]:
    """An environment in which nothing else is at home."""
    return {"HOME": str(directory), "CLAUDE_CONFIG_DIR": ""}


def listed(line: CommandLine, vault: str) -> dict[str, Any]:
    """The vault's Claude accounts, in the registry's shape."""
    text = line.ok("account", "list", "--json", "--vault", vault)
    providers: dict[str, Any] = json.loads(text)["providers"]
    found: dict[str, Any] = providers.get("claude", {"default": None, "accounts": {}})
    return found


def test_all_that_is_found_in_the_usual_places(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """Names, times and the default as the registry has them; refresh tokens were used once."""
    auth = ccs(tmp_path, provider, "ada@example.com", "bob@example.com")
    own = own_file(tmp_path, provider)
    done = line("account", "import", "--pool", *at(provider, vault), **home(tmp_path))
    assert done.returncode == 0, done.stderr
    found = listed(line, vault)
    assert found["default"] == "bob@example.com"
    ada = found["accounts"]["ada@example.com"]
    assert (ada["nickname"], ada["createdAt"], ada["lastUsedAt"]) == ("ada-work", CREATED, USED)
    assert len(found["accounts"]) == 3
    assert all(one["pools"] == ["ANTHROPIC"] for one in found["accounts"].values())
    assert (provider.refreshes, provider.reuse) == (3, 0)
    assert "AT_" not in done.stdout + done.stderr
    assert "RT_" not in done.stdout + done.stderr
    for path in (own, *auth.glob("claude-*.json")):
        assert f"{path} still holds a refresh token" in done.stderr.replace("\n", " ")
        assert "RT_" in path.read_text()


def test_a_dry_run_asks_nobody(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """It shows what is there, and nothing secret."""
    auth = ccs(tmp_path, provider, "ada@example.com")
    before = {path: path.read_bytes() for path in auth.iterdir()}
    said = line.ok("account", "import", "--dry-run", str(tmp_path / ".ccs"), "--replace-source")
    assert "ada@example.com" in said
    assert "ada-work" in said
    assert "RT_" not in said
    rows = json.loads(line.ok("account", "import", "--dry-run", "--json", str(auth)))
    assert [(one["email"], one["default"], one["refreshes"]) for one in rows] == [
        ("ada@example.com", "yes", "yes")
    ]
    assert provider.requests == 0
    assert {path: path.read_bytes() for path in auth.iterdir()} == before
    assert listed(line, vault)["accounts"] == {}


def test_a_source_is_replaced_with_a_backup(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """Both for the owner alone; what is not a token stays; importing it again is refused."""
    path = own_file(tmp_path, provider)
    path.chmod(0o644)
    before = path.read_text()
    words = ("account", "import", str(path), "--json", "--replace-source")
    (outcome,) = json.loads(line.ok(*words, *at(provider, vault)))
    backup = Path(outcome["backup"])
    assert (backup.parent, backup.read_text()) == (path.parent, before)
    replaced = json.loads(path.read_text())
    assert replaced["mcpOAuth"] == {"a": 1}
    assert replaced["claudeAiOauth"]["accessToken"] == "__PLACEHOLDER__"
    assert "refreshToken" not in replaced["claudeAiOauth"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, backup)} == {0o600}
    assert set(path.parent.iterdir()) == {path, backup}
    again = line("account", "import", str(path), *at(provider, vault))
    assert again.returncode == 1
    assert "placeholder" in again.stderr


def test_what_fails_is_left_as_it_is(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """A refused token is not replaced; the others are imported all the same."""
    auth = ccs(tmp_path, provider, "ada@example.com", "bob@example.com")
    dead = auth / "claude-ada@example.com.json"
    dead.write_text(dead.read_text().replace("RT_", "RT_dead_"))
    (auth / "claude-broken.json").write_text("{")
    before = dead.read_text()
    done = line("account", "import", str(auth), "--replace-source", *at(provider, vault))
    assert done.returncode == 1
    assert f"{dead}: The refresh token could not be used" in done.stderr
    assert "claude-broken.json: That is no JSON" in done.stderr
    assert dead.read_text() == before
    assert list(listed(line, vault)["accounts"]) == ["bob@example.com"]


def test_a_nickname_that_is_taken_is_made_up(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """And the vault's default stays."""
    for name in ("one", "two"):
        auth = ccs(tmp_path / name, provider, f"ada@{name}.example")
        line.ok("account", "import", str(auth), "--pool", *at(provider, vault))
    found = listed(line, vault)
    assert [one["nickname"] for one in found["accounts"].values()] == ["ada-work", "ada"]
    assert found["default"] == "ada@one.example"


def test_nothing_to_import(line: CommandLine, tmp_path: Path) -> None:
    """Is told with exit code 4."""
    for words in ((), (str(tmp_path / "none"),), (str(tmp_path),)):
        assert line("account", "import", *words, **home(tmp_path)).returncode == 4


def test_the_same_files_are_taken_from_standard_input(
    line: CommandLine, provider: JsonProvider, vault: str, tmp_path: Path
) -> None:
    """`account add --paste-tokens` reads CCS's files and Claude Code's."""
    (ada,) = ccs(tmp_path, provider, "ada@example.com").glob("claude-*")
    own = own_file(tmp_path, provider)
    for path in (ada, own):
        words = ("account", "add", "--paste-tokens", "--pool", *at(provider, vault))
        line.ok(*words, stdin=path.read_text())
    assert len(listed(line, vault)["accounts"]) == 2
