"""A base URL, a gateway, and the command that gets a token for it: each finding, and silence."""

import shlex
from dataclasses import replace
from typing import Any

import pytest

from proxy_core.domain.doctor import Facts, GatewayLogin, TokenLogin, diagnose
from proxy_core.domain.doctor.gateway_rules import gateway_token
from tests.domain.doctor.well import (
    PLACEHOLDER,
    SERVICE,
    WORKER,
    claude,
    codes,
    facts,
    settings,
)
from vault_tui.cli.root import COMMANDS

ISSUER = "https://login.company.example"
HERE = "http://127.0.0.1:14322/anthropic"
TTL = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"
WELL = TokenLogin(usable=True, issuer=ISSUER, life=3600.0, clock=1.0)


def helper(login: TokenLogin | None, **env: str) -> Facts:
    """Set up for the gateway, not below the proxy."""
    variables = {"ANTHROPIC_BASE_URL": HERE, TTL: "3300000", **env}
    file = settings(apiKeyHelper="vault-tui auth token", env=variables)
    return facts(claude(file), wired=False, token_login=login)


def changed(**changes: Any) -> Facts:
    """With another login for the command."""
    return helper(replace(WELL, **changes))


def signed_in(state: str = "ok", url: str = HERE, *, ended: bool = False, **environ: str) -> Facts:
    """After `/login` to the gateway."""
    login = GatewayLogin("/ada/.credentials.json", url, "vt_sess_s3cret", ended)
    asked = claude(environ=environ, gateway=login, config={"numStartups": 1})
    return facts(asked, worker=replace(WORKER, gateway_token=state))


def by_token(state: str) -> Facts:
    """With an agent's token for the gateway."""
    environ = {"ANTHROPIC_AUTH_TOKEN": "vt_agt_s3cret", "ANTHROPIC_BASE_URL": HERE}
    return facts(claude(environ=environ), worker=replace(WORKER, gateway_token=state))


def switched_off() -> Facts:
    """With an agent's token for a gateway whose service is disabled."""
    return replace(
        by_token("ok"), worker=replace(WORKER, services=(replace(SERVICE, enabled=False),))
    )


def proxied(**environ: str) -> Facts:
    """With a proxy of somebody else."""
    given = {"ANTHROPIC_BASE_URL": HERE, "ANTHROPIC_AUTH_TOKEN": "vt_agt_0", **environ}
    return facts(claude(environ=given), wired=False)


CASES: list[tuple[str, Facts, str]] = [
    # code, facts, the remedy
    ("helper_login", helper(TokenLogin()), "vault-tui setup claude-code"),
    ("helper_login", changed(usable=False), "vault-tui auth login"),
    ("helper_login", helper(TokenLogin(of_worker=True)), "vault-tui auth login"),
    ("helper_keyring", changed(keyring_problem="It is locked."), "vault-tui auth login"),
    ("issuer_unreachable", changed(unreachable="no answer"), f"curl -sSI {ISSUER}"),
    (
        "helper_refresh",
        changed(failure="It could not be refreshed."),
        "vault-tui auth token --refresh >/dev/null",
    ),
    ("helper_outlives", changed(life=600.0), "vault-tui setup claude-code --token-ttl 600"),
    ("clock", changed(clock=-3600.0), "timedatectl set-ntp true"),
    ("gateway_token", signed_in("unauthorized"), "claude /login"),
    ("gateway_token", signed_in(ended=True), "claude /login"),
    ("gateway_first", signed_in("", "https://gateway.company.example/claude"), "claude /logout"),
    ("gateway_token", by_token("unauthorized"), "vault-tui setup claude-code"),
    ("gateway_disabled", switched_off(), "vault-tui service enable anthropic-api --vault default"),
    (
        "gateway_proxied",
        proxied(HTTPS_PROXY="http://proxy.company.example:3128"),
        "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
    ),
    (
        "base_url_v1",
        proxied(ANTHROPIC_BASE_URL="https://api.anthropic.com/v1"),
        "unset ANTHROPIC_BASE_URL",
    ),
]


@pytest.mark.parametrize(("code", "given_facts", "remedy"), CASES)
def test_a_finding_and_its_cure(code: str, given_facts: Facts, remedy: str) -> None:
    """One command beside what and why, and no token in either."""
    found = next(one for one in diagnose(given_facts).findings if one.code == code)
    assert found.remedy == remedy
    assert found.what.endswith(".")
    assert found.why.endswith(".")
    words = shlex.split(remedy)
    assert words[0] != "vault-tui" or words[1] in COMMANDS
    assert "s3cret" not in repr((diagnose(given_facts), given_facts))


@pytest.mark.parametrize(
    "well",
    [
        helper(None),
        helper(WELL),
        helper(TokenLogin(usable=True, of_worker=True, life=604_800.0)),
        helper(replace(WELL, life=None)),
        # Nobody gets a token from the command.
        facts(token_login=TokenLogin(issuer=ISSUER, unreachable="no answer")),
        signed_in(),
        signed_in(CLAUDE_CODE_OAUTH_TOKEN=PLACEHOLDER, CLAUDE_CODE_USE_BEDROCK="1"),
        signed_in(ended=True, CLAUDE_CODE_OAUTH_TOKEN=PLACEHOLDER),
        by_token("ok"),
        proxied(),
        proxied(HTTPS_PROXY="http://127.0.0.1:3128"),
        proxied(HTTPS_PROXY="http://proxy.company.example:3128", NO_PROXY="127.0.0.1"),
        proxied(ANTHROPIC_BASE_URL="https://vault.company.example/anthropic/v1"),
    ],
)
def test_silence_when_all_is_well(well: Facts) -> None:
    """Not even a note."""
    assert codes(well) == []


def test_the_token_that_is_asked_about() -> None:
    """The one that Claude Code would send to a gateway of ours."""
    url = "https://vault.example/anthropic"
    stored = GatewayLogin("/c.json", url, "vt_sess_a")
    own = {"ANTHROPIC_AUTH_TOKEN": "vt_agt_b", "ANTHROPIC_BASE_URL": HERE}
    assert gateway_token(claude(gateway=stored)) == (url, "vt_sess_a")
    assert gateway_token(claude(environ=own, gateway=stored)) == (url, "vt_sess_a")
    assert gateway_token(claude(environ=own, gateway=replace(stored, ended=True))) == (
        HERE,
        "vt_agt_b",
    )
    assert gateway_token(claude(environ={"ANTHROPIC_AUTH_TOKEN": "vt_agt_b"})) == ("", "")
    foreign = {**own, "ANTHROPIC_AUTH_TOKEN": PLACEHOLDER}
    assert gateway_token(claude(environ=foreign)) == ("", "")
