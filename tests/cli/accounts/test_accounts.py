"""`account` and `pool` against a real worker; without refresh tokens, so nothing leaves."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import CommandLine

FAR = 2_000_000_000
VAULT = "accounts"


@pytest.fixture(scope="module", autouse=True)
def vault(vault_tui: CommandLine) -> Iterator[None]:
    """A vault for these tests alone, with two accounts in its pool."""
    vault_tui.ok("vault", "create", VAULT)
    add(vault_tui, "ada@example.com")
    add(vault_tui, "bob@example.com", "--pool")
    yield
    vault_tui.ok("vault", "delete", VAULT, "--yes")


def add(line: CommandLine, email: str, *more: str) -> str:
    """Paste tokens for a new account."""
    tokens = json.dumps({"access_token": f"sk-{email}", "expires_at": FAR})
    given = ("account", "add", "--provider", "claude", "--paste-tokens", "--email", email)
    return line.ok(*given, "--vault", VAULT, *more, stdin=tokens)


def listed(line: CommandLine, *more: str) -> dict[str, Any]:
    """What `account list --json` says of the provider."""
    text = line.ok("account", "list", "--vault", VAULT, "--json", *more)
    document: dict[str, Any] = json.loads(text)
    assert document["version"] == 1
    claude: dict[str, Any] = document["providers"]["claude"]
    return claude


def test_the_first_account_makes_the_credential_and_is_the_default(vault_tui: CommandLine) -> None:
    """In the shape of accounts.json, with our fields beside."""
    found = listed(vault_tui)
    assert found["default"] == "ada@example.com"
    ada = found["accounts"]["ada@example.com"]
    assert (ada["email"], ada["nickname"]) == ("ada@example.com", "ada")
    assert ada["createdAt"].endswith("Z")
    assert ada["lastUsedAt"] is None
    assert (ada["state"], ada["pools"], ada["default"]) == ("active", ["ANTHROPIC"], True)
    keys = json.loads(vault_tui.ok("creds", "list", "--vault", VAULT, "--json"))["keys"]
    assert keys == ["ANTHROPIC"]


def test_a_second_account_joins_only_when_told(vault_tui: CommandLine) -> None:
    """And is told how."""
    said = add(vault_tui, "carol@example.com")
    assert "`vault-tui pool add ANTHROPIC carol` lets it join" in said
    pool = json.loads(vault_tui.ok("pool", "list", "--vault", VAULT, "--json"))["pools"][0]
    assert pool["accounts"] == ["ada", "bob"]
    vault_tui.ok("account", "remove", "carol", "--vault", VAULT, "--yes")


def test_a_credentials_file_is_taken_as_it_is(vault_tui: CommandLine) -> None:
    """With its milliseconds; the token stands nowhere in what is printed."""
    oauth = {"accessToken": "sk-ant-oat01-file", "expiresAt": FAR * 1000, "scopes": ["x"]}
    given = ("account", "add", "--paste-tokens", "--nickname", "filed", "--vault", VAULT, "--json")
    said = vault_tui.ok(*given, stdin=json.dumps({"claudeAiOauth": oauth}))
    added = json.loads(said)
    assert (added["account"]["nickname"], added["pool"], added["suggested"]) == (
        "filed",
        "",
        "ANTHROPIC",
    )
    assert added["account"]["expires_at"] == "2033-05-18T03:33:20.000Z"
    assert "sk-ant" not in said
    vault_tui.ok("account", "remove", "filed", "--vault", VAULT, "--yes")


def test_use_rename_pause_resume(vault_tui: CommandLine) -> None:
    """By nickname, e-mail or a prefix that only one has."""
    where = ("--vault", VAULT)
    vault_tui.ok("account", "use", "bob@example.com", *where)
    assert listed(vault_tui)["default"] == "bob@example.com"
    vault_tui.ok("account", "rename", "bo", "work", *where)
    assert "work is paused." in vault_tui.ok("account", "pause", "work", *where)
    assert listed(vault_tui)["accounts"]["bob@example.com"]["state"] == "paused"
    vault_tui.ok("account", "resume", "WORK", *where)
    vault_tui.ok("account", "rename", "work", "bob", *where)
    vault_tui.ok("account", "use", "ada", *where)
    assert listed(vault_tui)["accounts"]["bob@example.com"]["state"] == "active"


def test_remove_and_undo(vault_tui: CommandLine) -> None:
    """Removed is gone from the list, and comes back as it was."""
    where = ("--vault", VAULT)
    assert "--undo brings it back until" in vault_tui.ok("account", "remove", "bob", *where, "-y")
    assert list(listed(vault_tui)["accounts"]) == ["ada@example.com"]
    assert "bob@example.com" in listed(vault_tui, "--removed")["accounts"]
    assert vault_tui("account", "pause", "bob", *where).returncode == 4
    vault_tui.ok("account", "remove", "bob", "--undo", *where)
    assert listed(vault_tui)["accounts"]["bob@example.com"]["pools"] == ["ANTHROPIC"]


def test_the_same_email_is_connected_anew(vault_tui: CommandLine) -> None:
    """It stays one account, with its names and pools."""
    assert add(vault_tui, "ADA@example.com") == "Connected ada (ada@example.com).\n"
    assert list(listed(vault_tui)["accounts"]) == ["ada@example.com", "bob@example.com"]


def test_remove_asks(vault_tui: CommandLine) -> None:
    """A script has to say --yes."""
    done = vault_tui("account", "remove", "bob", "--vault", VAULT)
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_refusals(vault_tui: CommandLine) -> None:
    """Wrong names and tokens: the exit code says which, and no token is repeated."""
    where = ("--vault", VAULT)
    assert vault_tui("account", "use", "nobody", *where).returncode == 4
    twice = json.dumps({"access_token": "sk-secret", "expires_at": FAR})
    given = ("account", "add", "--paste-tokens", *where)
    again = vault_tui(*given, "--email", "new@x.org", "--nickname", "ADA", stdin=twice)
    assert again.returncode == 1
    assert "The nickname ADA is taken" in again.stderr
    for text in ("sk-secret", '["sk-secret"]', '{"token":"sk-secret"}'):
        done = vault_tui(*given, stdin=text)
        assert done.returncode == 2
        assert "sk-secret" not in done.stderr
    assert vault_tui("account", "rename", "ada", "a b", *where).returncode == 2


def test_peers_may_look_and_not_touch(vault_tui: CommandLine) -> None:
    """Without proof of a key: lists, no changes."""
    where = ("--vault", VAULT)
    assert "ada *" in vault_tui.as_peer("account", "list", *where).stdout
    assert vault_tui.as_peer("account", "pause", "ada", *where).returncode == 5


def test_pools(vault_tui: CommandLine) -> None:
    """Created, changed, joined, left, deleted; their accounts stay."""
    where = ("--vault", VAULT)
    vault_tui.ok("pool", "create", "CLAUDE", "bob", *where, "--strategy", "least-used")
    shown = json.loads(vault_tui.ok("pool", "add", "CLAUDE", "ada", *where, "--json"))
    assert (shown["accounts"], shown["strategy"]) == (["bob", "ada"], "least-used")
    changed = ("pool", "set", "CLAUDE", "--strategy", "reset-aware", "--set", "reserve=0.1")
    shown = json.loads(vault_tui.ok(*changed, *where, "--json"))
    assert shown["settings"]["reserve"] == 0.1
    assert shown["settings"]["warn_left"] == 0.2
    shown = json.loads(vault_tui.ok("pool", "remove", "CLAUDE", "bob", *where, "--json"))
    assert shown["accounts"] == ["ada"]
    assert vault_tui("pool", "set", "CLAUDE", "--set", "reserve=2", *where).returncode == 2
    assert vault_tui("pool", "create", "CLAUDE", "ada", *where).returncode == 1
    vault_tui.ok("pool", "delete", "CLAUDE", *where, "--yes")
    assert vault_tui("pool", "remove", "CLAUDE", "ada", *where).returncode == 4
    assert len(listed(vault_tui)["accounts"]) == 2


def test_why_nothing_is_chosen(vault_tui: CommandLine) -> None:
    """A vault without pools is said to have none, and not answered with silence."""
    vault_tui.ok("vault", "create", "no-pools")
    said = vault_tui.ok("account", "why", "--vault", "no-pools")
    vault_tui.ok("vault", "delete", "no-pools", "--yes")
    assert said == "No pools in vault no-pools.\n"


def test_why_and_quota(vault_tui: CommandLine) -> None:
    """Which account a new conversation would get, and that no quota is known yet."""
    where = ("--vault", VAULT)
    assert "ANTHROPIC would choose ada: default-first: the default account" in vault_tui.ok(
        "account", "why", *where
    )
    vault_tui.ok("account", "pause", "ada", *where)
    (found,) = json.loads(vault_tui.ok("account", "why", "bob", *where, "--json"))
    vault_tui.ok("account", "resume", "ada", *where)
    assert found["next"] == "bob"
    assert "ada is paused" in found["reason"]
    assert vault_tui("account", "quota", *where).returncode == 0


def test_pins(vault_tui: CommandLine) -> None:
    """An agent is pinned, and let go again."""
    where = ("--vault", VAULT)
    vault_tui.ok("agent", "create", "pinned", "--vault", VAULT)
    said = vault_tui.ok("account", "use", "ada", "--agent", "pinned", *where)
    assert said == "pinned uses ada alone now.\n"
    said = vault_tui.ok("account", "use", "any", "--agent", "pinned", *where)
    assert said == "pinned uses any account now.\n"
    vault_tui.ok("agent", "delete", "pinned", "--yes")
    assert vault_tui("account", "use", "ada", "--agent", "pinned", *where).returncode == 4


def test_a_pool_is_no_ordinary_credential(vault_tui: CommandLine) -> None:
    """It is neither overwritten by a value nor deleted as one."""
    where = ("--vault", VAULT)
    assert vault_tui("creds", "set", "ANTHROPIC=value", *where).returncode != 0
    assert vault_tui("creds", "delete", "ANTHROPIC", *where, "--yes").returncode != 0
    assert len(json.loads(vault_tui.ok("pool", "list", *where, "--json"))["pools"]) == 1
