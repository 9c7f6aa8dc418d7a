"""Each finding from the facts that it follows from, with its cure; and silence when all is well."""

import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.doctor import (
    CaFacts,
    Facts,
    Level,
    LoginFile,
    Probe,
    ProjectScript,
    RuntimeFacts,
    Scope,
    SettingsFile,
    diagnose,
)
from proxy_core.domain.doctor.facts import LoginState, ServiceFacts, Symptom
from proxy_core.domain.no_proxy import bypasses
from tests.domain.doctor.well import (
    NOW,
    PLACEHOLDER,
    SERVICE,
    WORKER,
    claude,
    codes,
    facts,
    home,
    settings,
    worker,
)
from vault_tui.cli.root import COMMANDS

KEY, TOKEN, OAUTH = "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"
FILE = "/home/ada/.claude/.credentials.json"
LOGIN = LoginFile(FILE, placeholder=True, scopes=("user:inference",))
REAL = replace(LOGIN, placeholder=False, has_refresh_token=True)
VERTEX = {
    "ANTHROPIC_VERTEX_PROJECT_ID": "p",
    "CLOUD_ML_REGION": "europe-west1",
    "GOOGLE_APPLICATION_CREDENTIALS": "/f",
}
SCRIPT = ProjectScript("apiKeyHelper", "/p/.claude/settings.json", "./k", "ab", trusted=False)


def here(environ: dict[str, str] | None = None, *files: SettingsFile, **more: Any) -> Facts:
    """Claude Code under `vault-tui run`."""
    return facts(claude(*files, environ=environ, **more))


def cloud(kind: str, wired: bool = False, **environ: str) -> Facts:
    """In a cloud's mode."""
    given = {f"CLAUDE_CODE_USE_{kind}": "1", **environ}
    return facts(claude(environ=given), wired=wired)


def signed_for(host: str) -> Facts:
    """Below a worker that signs for a host, with Bedrock unsigned."""
    signing = ServiceFacts("cloud", host, True, ("AWS_KEY",))
    kept = replace(WORKER, services=(signing,), credentials=frozenset({"AWS_KEY"}))
    skip = {"CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1", "AWS_REGION": "eu-west-1"}
    return replace(cloud("BEDROCK", wired=True, **skip), worker=kept)


def routed(**environ: str) -> Facts:
    """With more variables in the environment."""
    return facts(environ=environ)


def log(status: int, host: str = "api.anthropic.com") -> Facts:
    """After refusals."""
    return worker(symptoms=(Symptom(host, status, "", 3),))


CASES: list[tuple[str, Facts, str]] = [
    # code, facts, what the remedy begins with
    ("no_worker", worker(failure="no_worker"), "vault-tui start"),
    ("not_initialized", worker(initialized=False), "vault-tui init"),
    ("sealed", worker(sealed=True), "vault-tui unseal"),
    ("version", worker(version="0.9"), "vault-tui stop && vault-tui start"),
    ("port_closed", worker(closed_ports=("127.0.0.1:14322",)), "vault-tui stop"),
    ("worker_problem", worker(problems=("The log cannot be written.",)), "vault-tui status"),
    ("log_dropped", worker(log_dropped=5), "vault-tui status"),
    ("ca_expired", worker(ca_expires_at=NOW - 1), "vault-tui ca"),
    ("ca_expiring", worker(ca_expires_at=NOW + 86400 * 3), "vault-tui ca"),
    ("token_refused", worker(token="unauthorized"), "vault-tui run"),
    ("no_service", worker(missing_hosts=("api.anthropic.com",)), "vault-tui claude"),
    (
        "credential_missing",
        worker(services=(replace(SERVICE, keys=("GONE",)),)),
        "vault-tui credential set GONE --vault default",
    ),
    (
        "reconnect",
        worker(logins=(LoginState("account", "ada", "reconnect"),)),
        "vault-tui account add --reconnect ada",
    ),
    (
        "reconnect",
        worker(logins=(LoginState("credential", "SLACK", "pending"),)),
        "vault-tui credential oauth connect SLACK",
    ),
    (
        "refresh_failing",
        worker(logins=(LoginState("credential", "SLACK", "failing"),)),
        "vault-tui credential oauth refresh SLACK",
    ),
    (
        "unreadable",
        worker(logins=(LoginState("credential", "SLACK", "unreadable"),)),
        "vault-tui credential set SLACK",
    ),
    ("exhausted", worker(logins=(LoginState("account", "ada", "exhausted"),)), ""),
    (
        "accounts_exhausted",
        worker(accounts=1, logins=(LoginState("account", "ada", "exhausted"),)),
        "vault-tui account quota --vault default",
    ),
    ("webhook_failing", worker(webhooks=("wh_1",)), "vault-tui webhook test wh_1"),
    (
        "signed_out",
        worker(signed_out_at="https://vault.test"),
        "vault-tui login --addr https://vault.test",
    ),
    ("probe_refused", worker(probe=Probe("h", 403, "forbidden")), "vault-tui service test"),
    ("probe_refused", worker(probe=Probe("h", 502, "upstream_unreachable")), "curl -sSI"),
    ("probe_refused", worker(probe=Probe("h", 429, "accounts_exhausted")), "vault-tui account"),
    ("probe_failed", worker(probe=Probe("h", failure="no answer")), "vault-tui logs"),
    ("clock", worker(clock=-400.0), "timedatectl"),
    ("clock", worker(probe=Probe("h", 200, date=NOW + 3600)), "timedatectl"),
    ("seen_401", log(401), "vault-tui account list"),
    ("seen_403", log(403), "vault-tui logs"),
    ("seen_metadata", log(403, "169.254.169.254"), "export AWS_EC2_METADATA_DISABLED=true"),
    ("seen_failure", log(502), "vault-tui logs"),
    ("home_mode", home(mode=0o755), "chmod 700"),
    ("home_foreign", home(foreign=True), "ls -ld"),
    ("file_mode", home(open_files=("/h/vault.db",)), "chmod 600 /h/vault.db"),
    ("disk", home(free_bytes=1000), "df -h"),
    (
        "keyring",
        replace(
            home(keyring_problem="This session has no OS keyring."),
            worker=replace(WORKER, slots=("keyring",)),
        ),
        "gnome-keyring-daemon",
    ),
    ("no_proxy", routed(NO_PROXY="localhost,.anthropic.com"), "export NO_PROXY="),
    ("no_proxy", routed(no_proxy="*"), "export NO_PROXY="),
    ("api_proxied", routed(AGENT_VAULT_ADDR="http://vault.example:14321"), "export NO_PROXY="),
    ("proxy_spellings", routed(https_proxy="http://other:1"), "export https_proxy="),
    ("proxy_spellings", routed(https_proxy=""), ""),
    (
        "not_wired",
        facts(wired=False, environ={"AGENT_VAULT_TOKEN": "vt_sess_x"}),
        "vault-tui run",
    ),
    (
        "ca_relative",
        facts(ca_files=(CaFacts("NODE_EXTRA_CA_CERTS", "ca.pem", absolute=False),)),
        "vault-tui run",
    ),
    (
        "ca_missing",
        facts(ca_files=(CaFacts("SSL_CERT_FILE", "/x/ca.pem", exists=False),)),
        "vault-tui ca --out /x/ca.pem",
    ),
    (
        "ca_other",
        facts(ca_files=(CaFacts("SSL_CERT_FILE", "/x/ca.pem", holds_worker_ca=False),)),
        "vault-tui run",
    ),
    (
        "runtime_ca",
        facts(runtimes=(RuntimeFacts("node", False, "request", "vault-tui run -- CMD…"),)),
        "vault-tui run",
    ),
    (
        "settings_unreadable",
        here({OAUTH: PLACEHOLDER}, SettingsFile(Scope.USER, "/u.json", problem="it is not JSON")),
        "${EDITOR:-vi} /u.json",
    ),
    ("script_untrusted", here({OAUTH: PLACEHOLDER}, scripts=(SCRIPT,)), "vault-tui trust"),
    (
        "settings_replace",
        here({OAUTH: PLACEHOLDER}, settings(env={"HTTPS_PROXY": "http://other:3128"})),
        "${EDITOR:-vi} /user/settings.json",
    ),
    ("api_timeout", here({OAUTH: PLACEHOLDER, "API_TIMEOUT_MS": "90s"}), "unset API_TIMEOUT_MS"),
    ("api_timeout", here({OAUTH: PLACEHOLDER, "API_TIMEOUT_MS": "600"}), "unset API_TIMEOUT_MS"),
    ("no_credential", here(config={"numStartups": 3}), "vault-tui claude"),
    ("no_credential", here({OAUTH: "x"}, bare=True), "export ANTHROPIC_API_KEY=__PLACEHOLDER__"),
    ("real_secret", here({KEY: "sk-ant-real"}), "unset ANTHROPIC_API_KEY"),
    (
        "real_secret",
        here({}, settings(env={TOKEN: "sk-real"})),
        "${EDITOR:-vi} /user/settings.json",
    ),
    ("two_credentials", here({KEY: PLACEHOLDER, TOKEN: PLACEHOLDER}), f"unset {TOKEN}"),
    ("login_ignored", here({KEY: PLACEHOLDER, OAUTH: PLACEHOLDER}), f"unset {KEY}"),
    ("login_ignored", here({KEY: PLACEHOLDER}, login=LOGIN), f"unset {KEY}"),
    ("login_open", here(login=replace(REAL, open_to_others=True)), f"chmod 600 {FILE}"),
    ("login_scope", here(login=replace(LOGIN, scopes=())), "vault-tui claude"),
    (
        "login_expired",
        here(login=replace(REAL, has_refresh_token=False, expires_at=NOW - 5)),
        "vault-tui claude",
    ),
    ("real_login", here(login=REAL), "vault-tui claude"),
    (
        "project_base_url",
        here(
            {OAUTH: PLACEHOLDER},
            settings(Scope.PROJECT, env={"ANTHROPIC_BASE_URL": "https://evil.example"}),
        ),
        "${EDITOR:-vi} /project/settings.json",
    ),
    (
        "plain_base_url",
        here({OAUTH: PLACEHOLDER, "ANTHROPIC_BASE_URL": "http://gateway.example/anthropic"}),
        "unset ANTHROPIC_BASE_URL",
    ),
    (
        "gateway_port",
        here({TOKEN: "vt_agt_0", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9999/anthropic"}),
        "vault-tui setup claude-code",
    ),
    (
        "gateway_prefix",
        here({TOKEN: "vt_agt_0", "ANTHROPIC_BASE_URL": "http://127.0.0.1:14322/nowhere/v1"}),
        "vault-tui setup claude-code --mode gateway --vault default",
    ),
    (
        "gateway_prefix",
        here({TOKEN: "vt_agt_0", "ANTHROPIC_BASE_URL": "http://127.0.0.1:14322"}),
        "vault-tui setup claude-code --mode gateway --vault default",
    ),
    (
        "settings_replace",
        here({OAUTH: PLACEHOLDER}, settings(env={"NO_PROXY": "*"})),
        "${EDITOR:-vi} /user/settings.json",
    ),
    (
        "real_login",
        facts(claude(login=REAL), wired=False, claude_wired=True),
        "vault-tui claude",
    ),
    (
        "helper_ttl",
        here({"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1h"}, settings(apiKeyHelper="k")),
        "unset CLAUDE_CODE_API_KEY_HELPER_TTL_MS",
    ),
    (
        "managed_context",
        here({KEY: PLACEHOLDER, OAUTH: PLACEHOLDER, "CLAUDE_CODE_REMOTE": "true"}),
        "vault-tui claude",
    ),
    (
        "custom_header",
        here({OAUTH: PLACEHOLDER, "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer x"}),
        "unset ANTHROPIC_CUSTOM_HEADERS",
    ),
    (
        "malformed_header",
        here({OAUTH: PLACEHOLDER, "ANTHROPIC_CUSTOM_HEADERS": "A: b\nnonsense"}),
        "unset ANTHROPIC_CUSTOM_HEADERS",
    ),
    (
        "key_rejected",
        here({KEY: PLACEHOLDER}, config={"customApiKeyResponses": {"rejected": [PLACEHOLDER]}}),
        "${EDITOR:-vi} '~/.claude.json'",
    ),
    (
        "stale_cache",
        here({OAUTH: PLACEHOLDER}, stale_key="/home/ada/.claude/config.json"),
        "rm /home/ada/.claude/config.json",
    ),
    (
        "additional_protection",
        here({OAUTH: PLACEHOLDER, "CLAUDE_CODE_ADDITIONAL_PROTECTION": "maybe"}),
        "",
    ),
    ("bedrock_credentials", cloud("BEDROCK"), "export CLAUDE_CODE_SKIP_BEDROCK_AUTH=1"),
    ("aws_half", cloud("BEDROCK", AWS_ACCESS_KEY_ID="AKIA"), "export AWS_SECRET_ACCESS_KEY="),
    ("bedrock_region", cloud("BEDROCK", AWS_PROFILE="work"), "export AWS_REGION=REGION"),
    ("vertex_project", cloud("VERTEX"), "export ANTHROPIC_VERTEX_PROJECT_ID=PROJECT"),
    ("vertex_region", cloud("VERTEX"), "export CLOUD_ML_REGION=REGION"),
    (
        "vertex_base_url",
        cloud("VERTEX", ANTHROPIC_VERTEX_BASE_URL="http://127.0.0.1:14322/vertex"),
        "unset ANTHROPIC_VERTEX_BASE_URL",
    ),
    (
        "foundry_both",
        cloud("FOUNDRY", ANTHROPIC_FOUNDRY_RESOURCE="r", ANTHROPIC_FOUNDRY_BASE_URL="https://f"),
        "unset ANTHROPIC_FOUNDRY_RESOURCE",
    ),
    (
        "no_signing_service",
        signed_for("s3.eu-west-1.amazonaws.com"),
        "vault-tui service add --from-catalog bedrock --vault default",
    ),
    ("vertex_credentials", cloud("VERTEX"), "export CLAUDE_CODE_SKIP_VERTEX_AUTH=1"),
    ("foundry_resource", cloud("FOUNDRY"), "export ANTHROPIC_FOUNDRY_RESOURCE=NAME"),
    ("foundry_entra", cloud("FOUNDRY"), "export CLAUDE_CODE_SKIP_FOUNDRY_AUTH=1"),
    ("unsigned", cloud("BEDROCK", CLAUDE_CODE_SKIP_BEDROCK_AUTH="1"), "vault-tui run -- claude"),
    (
        "several_clouds",
        cloud("BEDROCK", CLAUDE_CODE_USE_VERTEX="1", AWS_PROFILE="work"),
        "unset CLAUDE_CODE_USE_VERTEX",
    ),
]


@pytest.mark.parametrize(("code", "given_facts", "remedy"), CASES, ids=[c[0] for c in CASES])
def test_a_finding_and_its_cure(code: str, given_facts: Facts, remedy: str) -> None:
    """One command beside what and why; a command of ours exists."""
    found = next(one for one in diagnose(given_facts).findings if one.code == code)
    assert found.remedy.startswith(remedy)
    assert bool(found.remedy) == bool(remedy)
    assert found.why.endswith(".")
    for command in found.remedy.split(" && "):
        words = shlex.split(command)
        assert not words or words[0] != "vault-tui" or words[1] in COMMANDS


@pytest.mark.parametrize(
    "well",
    [
        facts(),
        here({KEY: PLACEHOLDER}),
        here({TOKEN: PLACEHOLDER}),
        here({TOKEN: "vt_agt_0123", "ANTHROPIC_BASE_URL": "http://127.0.0.1:14322/anthropic"}),
        here(login=LOGIN),
        here(
            {},
            settings(
                apiKeyHelper="vault-tui auth token",
                env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:14322/anthropic/v1"},
            ),
            login=REAL,
        ),
        here(
            {},
            settings(env={"HTTPS_PROXY": "http://vt_agt_1:default@127.0.0.1:14322"}),
            login=LOGIN,
        ),
        facts(claude(), wired=False),
        facts(wired=False, claude=None),
        here({OAUTH: PLACEHOLDER}, scripts=(replace(SCRIPT, trusted=True),)),
        here({OAUTH: PLACEHOLDER}, settings(Scope.USER, apiKeyHelper="")),
        signed_for("bedrock-runtime.eu-west-1.amazonaws.com"),
        signed_for("*.amazonaws.com"),
        cloud("BEDROCK", AWS_PROFILE="work", AWS_REGION="eu-west-1"),
        cloud("BEDROCK", AWS_PROFILE="work", AWS_DEFAULT_REGION="eu-west-1"),
        cloud("VERTEX", False, **VERTEX),
        cloud("VERTEX", False, **VERTEX, ANTHROPIC_VERTEX_BASE_URL="http://127.0.0.1:1/vertex/v1/"),
        cloud("FOUNDRY", ANTHROPIC_FOUNDRY_API_KEY="k", ANTHROPIC_FOUNDRY_RESOURCE="r"),
        facts(ca_files=(CaFacts("SSL_CERT_FILE", "/x/ca.pem", holds_worker_ca=True),)),
        facts(runtimes=(RuntimeFacts("node", True, "request"), RuntimeFacts("git", None, "x"))),
        worker(services=None, credentials=None, probe=None),
        worker(accounts=2, logins=(LoginState("account", "ada", "paused"),)),
        home(mode=0o710),
        routed(NO_PROXY="localhost,127.0.0.1,::1", AGENT_VAULT_ADDR="http://127.0.0.1:14321"),
    ],
)
def test_silence_when_all_is_well(well: Facts) -> None:
    """Not even a note."""
    assert codes(well) == []


def test_notes_alone_are_well_and_the_gravest_comes_first() -> None:
    """An account without quota is no failure."""
    exhausted = worker(logins=(LoginState("account", "ada", "exhausted"),))
    assert diagnose(exhausted).well
    several = replace(exhausted, home=home(mode=0o755).home, version="2.0")
    levels = [one.level for one in diagnose(several).findings]
    assert levels == [Level.ERROR, Level.WARNING, Level.NOTE]
    assert not diagnose(several).well


def test_a_program_that_run_does_not_see_to_is_a_note() -> None:
    """Java has its own key store."""
    java = RuntimeFacts("java", False, "settings", "keytool", optional=True)
    assert diagnose(facts(runtimes=(java,))).well


@pytest.mark.parametrize(
    ("listed", "host", "past"),
    [
        ("*", "api.anthropic.com", True),
        ("anthropic.com", "api.anthropic.com", True),
        (".anthropic.com", "api.anthropic.com", True),
        ("*.anthropic.com", "API.anthropic.com", True),
        ("api.anthropic.com:443", "api.anthropic.com", True),
        ("localhost, api.anthropic.com", "api.anthropic.com", True),
        ("thropic.com", "api.anthropic.com", False),
        ("localhost,127.0.0.1,::1", "api.anthropic.com", False),
        ("", "api.anthropic.com", False),
        (",,", "api.anthropic.com", False),
    ],
)
def test_what_no_proxy_covers(listed: str, host: str, past: bool) -> None:
    """A name covers itself and what is below it."""
    assert bypasses(listed, host) is past


def test_paths_in_remedies_are_quoted() -> None:
    """A directory may be called anything; what is shown shall be safe to paste."""
    name = "/p/x; touch y"
    given_facts = here({OAUTH: PLACEHOLDER}, scripts=(SCRIPT,), directory=name)
    assert diagnose(given_facts).findings[0].remedy == "vault-tui trust '/p/x; touch y'"


def test_services_with_wildcards_are_not_said_to_be_bypassed() -> None:
    """Nobody knows which of their hosts is meant."""
    found = worker(services=(ServiceFacts("w", "*.anthropic.com", True, ("ANTHROPIC",)),))
    found = replace(found, environ={**found.environ, "NO_PROXY": "api.anthropic.com"})
    assert "no_proxy" not in codes(found)


SECRET = "s3cret-value"
VARIABLES = [
    KEY,
    TOKEN,
    OAUTH,
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "NO_PROXY",
    "AGENT_VAULT_ADDR",
]
VALUES = [
    "",
    SECRET,
    f"https://{SECRET}@h",
    f"X-Api-Key: {SECRET}",
    f"a\n{SECRET}",
    "*",
    "http://[no",
]


@given(
    st.dictionaries(st.sampled_from(VARIABLES), st.sampled_from(VALUES)),
    st.sampled_from(list(Scope)),
    st.booleans(),
)
def test_no_finding_says_a_value(environ: dict[str, str], scope: Scope, wired: bool) -> None:
    """Whatever is set where: names and places, never what is in them."""
    for found in (claude(environ=environ), claude(settings(scope, env=dict(environ)))):
        assert SECRET not in repr(diagnose(facts(found, wired=wired)))
