"""The environment that `run` gives a command."""

from dataclasses import replace
from typing import Any

import pytest

from vault_tui.cli.running import run_env
from vault_tui.cli.running.run_env import RunFacts, build_environment, placeholders_for, reachable

FACTS = RunFacts(
    api="http://127.0.0.1:14321",
    proxy="127.0.0.1:14322",
    vault="team",
    token="vt_sess_abc",
    bundle_path="/home/ca-bundle.pem",
    ca_path="/home/ca.pem",
)


def test_every_variable_of_the_contract_is_set() -> None:
    """The proxy, the CA and the agent's own access are all there, in both cases."""
    made = build_environment({}, FACTS, {})
    proxy = "http://vt_sess_abc:team@127.0.0.1:14322"
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        assert made[name] == proxy
    for name in run_env.BUNDLE_VARIABLES:
        assert made[name] == "/home/ca-bundle.pem"
    assert made["NODE_EXTRA_CA_CERTS"] == "/home/ca.pem"
    assert made["NODE_USE_ENV_PROXY"] == "1"
    assert made["AGENT_VAULT_ADDR"] == "http://127.0.0.1:14321"
    assert made["AGENT_VAULT_TOKEN"] == made["AGENT_VAULT_SESSION_TOKEN"] == "vt_sess_abc"
    assert made["AGENT_VAULT_VAULT"] == "team"


def test_a_proxy_elsewhere_is_spoken_to_over_tls() -> None:
    """As an https:// proxy, with the same token and vault."""
    made = build_environment({}, replace(FACTS, proxy="vault.lan:14322", proxy_tls=True), {})
    assert made["HTTPS_PROXY"] == made["http_proxy"] == "https://vt_sess_abc:team@vault.lan:14322"


def test_the_operator_stays_outside() -> None:
    """What proves an operator never reaches the command; everything else does."""
    inherited = {
        "VAULT_TUI_MASTER_PASSWORD": "secret",
        "VAULT_TUI_MASTER_PASSWORD_FILE": "/secret",
        "VAULT_TUI_DATABASE_URL": "postgresql://ada:secret@db/vault",
        "VAULT_TUI_TOKEN": "vt_user_x",
        "PATH": "/bin",
    }
    made = build_environment(inherited, FACTS, {})
    assert "secret" not in "".join(made.values())
    assert not [name for name in made if name.startswith("VAULT_TUI_")]
    assert made["PATH"] == "/bin"


def test_no_proxy_keeps_the_users_own() -> None:
    """This machine and the API are reached directly, besides what the user excluded; no doubles."""
    inherited = {"NO_PROXY": "corp.example, ::1", "no_proxy": "other.example"}
    facts = RunFacts("https://vault.lan:9", "p:1", "v", "t", "b", "c")
    made = build_environment(inherited, facts, {})
    expected = "localhost,127.0.0.1,::1,vault.lan,corp.example,other.example"
    assert made["NO_PROXY"] == made["no_proxy"] == expected


def test_placeholders_replace_and_add_nothing() -> None:
    """A credential in the environment is hidden; one that is not there is not invented."""
    made = build_environment(
        {"GITHUB_TOKEN": "ghp_real"}, FACTS, {"GITHUB_TOKEN": "__x__", "B": "y"}
    )
    assert made["GITHUB_TOKEN"] == "__x__"
    assert "B" not in made


def test_placeholders_come_from_the_services() -> None:
    """Every key a service names is covered; a substituted one by its own placeholder."""
    documents: list[dict[str, Any]] = [
        {
            "name": "github",
            "host": "api.github.com",
            "auth": {"type": "bearer", "token": "GITHUB_TOKEN"},
            "hits": 3,
            "last_hit_at": "",
        },
        {
            "name": "telegram",
            "host": "api.telegram.org",
            "auth": {"type": "passthrough"},
            "substitutions": [{"key": "BOT_TOKEN", "placeholder": "__bot__", "in": ["path"]}],
        },
    ]
    assert placeholders_for(documents) == {
        "GITHUB_TOKEN": "__github_token__",
        "BOT_TOKEN": "__bot__",
    }


@pytest.mark.parametrize(
    ("proxy", "worker_host", "expected"),
    [
        ("127.0.0.1:14322", "", "127.0.0.1:14322"),
        ("http://127.0.0.1:14322", "", "127.0.0.1:14322"),
        ("0.0.0.0:14322", "", "127.0.0.1:14322"),
        ("[::]:14322", "", "[::1]:14322"),
        ("127.0.0.1:14322", "vault.lan", "vault.lan:14322"),
        ("127.0.0.1:14322", "127.0.0.1", "127.0.0.1:14322"),
    ],
)
def test_the_proxy_can_be_dialled(proxy: str, worker_host: str, expected: str) -> None:
    """A wildcard becomes this machine; a worker elsewhere is reached where its API is."""
    assert reachable(proxy, worker_host) == expected
