"""Commands against a real worker: what they change, print and return."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PASSWORD, CommandLine


def test_status_says_where_the_worker_listens(vault_tui: CommandLine) -> None:
    """The JSON form has what scripts rely on; the short form is one line."""
    found = json.loads(vault_tui.as_peer("status", "--json").stdout)
    expected = "sealed api proxy socket pid uptime version streams pending_proposals holds"
    assert {*expected.split(), "log_dropped"} <= set(found)
    assert vault_tui.as_peer("status", "--short").stdout == "vault: open, 0 live\n"
    assert "open" in vault_tui.as_peer("status").stdout


@pytest.mark.parametrize("value", ["plain", "two\nlines", " spaces ", "ünï", "x" * 5000])
def test_a_credential_comes_back_as_it_went_in(vault_tui: CommandLine, value: str) -> None:
    """Standard input in, `get --reveal` out; one line end is the stream's, not the value's."""
    vault_tui.ok("credential", "set", "ROUND_TRIP", stdin=value + "\n")
    assert vault_tui.ok("credential", "get", "ROUND_TRIP", "--reveal") == value + "\n"


def test_values_are_printed_on_reveal_alone(vault_tui: CommandLine) -> None:
    """Neither setting, listing nor showing metadata prints a value."""
    said = vault_tui.ok("credential", "set", "QUIET", stdin="s3cr3t-value")
    said += vault_tui.ok("credential", "get", "QUIET")
    said += vault_tui.ok("creds", "list") + vault_tui.ok("creds", "list", "--json")
    assert "s3cr3t-value" not in said
    assert "s3cr3t-value" in vault_tui.ok("credential", "list", "--reveal")


def test_several_credentials_in_one_go(vault_tui: CommandLine, tmp_path: Path) -> None:
    """KEY=VALUE and --file may be mixed."""
    (tmp_path / "key.pem").write_text("-----BEGIN-----\nabc\n")
    file = f"FROM_FILE={tmp_path / 'key.pem'}"
    assert "FROM_ARG" in vault_tui.ok("credential", "set", "FROM_ARG=1=2", "--file", file)
    assert vault_tui.ok("credential", "get", "FROM_ARG", "--reveal") == "1=2\n"
    assert vault_tui.ok("credential", "get", "FROM_FILE", "--reveal") == "-----BEGIN-----\nabc\n"


def test_import_prints_keys_only(vault_tui: CommandLine, tmp_path: Path) -> None:
    """A .env file is stored whole, and its values stay out of the output."""
    file = tmp_path / ".env"
    file.write_text("export IMPORTED_A='va lue'\nIMPORTED_B=other # note\n")
    assert vault_tui.ok("credential", "import", str(file)) == "IMPORTED_A\nIMPORTED_B\n"
    assert vault_tui.ok("credential", "get", "IMPORTED_A", "--reveal") == "va lue\n"


def test_import_stores_all_or_nothing(vault_tui: CommandLine) -> None:
    """One key that is no credential key stops the whole file."""
    done = vault_tui("credential", "import", "-", stdin="GOOD_KEY=1\nbad_key=2\n")
    assert done.returncode == 2
    assert vault_tui("credential", "get", "GOOD_KEY").returncode == 4


def test_an_old_value_can_be_restored(vault_tui: CommandLine) -> None:
    """History keeps versions; restoring one makes a new version."""
    vault_tui.ok("credential", "set", "VERSIONED", stdin="first")
    vault_tui.ok("credential", "set", "VERSIONED", stdin="second")
    vault_tui.ok("credential", "restore", "VERSIONED", "1")
    assert vault_tui.ok("credential", "get", "VERSIONED", "--reveal") == "first\n"
    history = json.loads(vault_tui.ok("credential", "history", "VERSIONED", "--json"))
    assert [one["version"] for one in history["versions"]] == [3, 2, 1]


def test_deleting_what_a_service_uses_needs_yes(vault_tui: CommandLine) -> None:
    """A script has to say that it means it; then the credential is gone."""
    vault_tui.ok("credential", "set", "IN_USE", stdin="x")
    add = ("service", "add", "--name", "in-use", "--host", "in-use.example", "--auth", "bearer")
    vault_tui.ok(*add, "--token", "IN_USE")
    refused = vault_tui("credential", "delete", "IN_USE")
    assert refused.returncode == 2
    assert "in-use" in refused.stderr
    vault_tui.ok("credential", "delete", "IN_USE", "--yes")
    assert vault_tui("credential", "get", "IN_USE").returncode == 4
    vault_tui.ok("service", "remove", "in-use")


def test_a_peer_may_look_and_not_touch(vault_tui: CommandLine) -> None:
    """Without proof, names are shown, and whatever reveals or changes is refused with 5."""
    vault_tui.ok("credential", "set", "GUARDED", stdin="x")
    assert vault_tui.as_peer("credential", "list").returncode == 0
    for command in (
        ("credential", "get", "GUARDED", "--reveal"),
        ("credential", "set", "GUARDED=2"),
        ("vault", "create", "never-made"),
        ("agent", "create", "never-made"),
        ("seal",),
    ):
        refused = vault_tui.as_peer(*command)
        assert refused.returncode == 5, command
        assert refused.stdout == ""
        assert "Traceback" not in refused.stderr


def test_the_wrong_password_is_refused(vault_tui: CommandLine, tmp_path: Path) -> None:
    """A wrong proof is 5; the right one may come from a file."""
    wrong = vault_tui.as_peer("vault", "create", "x-y-z", VAULT_TUI_MASTER_PASSWORD="no")
    assert wrong.returncode == 5
    assert "Traceback" not in wrong.stderr
    (tmp_path / "pw").write_text(PASSWORD + "\n")
    given = {"VAULT_TUI_MASTER_PASSWORD_FILE": str(tmp_path / "pw")}
    assert vault_tui.as_peer("vault", "create", "by-file", **given).returncode == 0
    vault_tui.ok("vault", "delete", "by-file", "--yes")


def in_one_session(vault_tui: CommandLine, script: str) -> subprocess.CompletedProcess[str]:
    """A shell script in a terminal session of its own; $V is the program, $PW the password."""
    return subprocess.run(
        ["sh", "-c", script],
        env=vault_tui.environment(PW=PASSWORD, V=f"{sys.executable} -m vault_tui"),
        cwd=vault_tui.home.parent,
        capture_output=True,
        text=True,
        start_new_session=True,
    )


def test_a_commands_own_proof_unlocks_no_terminal(vault_tui: CommandLine) -> None:
    """The password of one command is no use to the next one in the same session."""
    script = """
    VAULT_TUI_MASTER_PASSWORD=$PW $V vault create by-command || exit 1
    $V vault delete by-command --yes; test $? = 5 || exit 2
    VAULT_TUI_MASTER_PASSWORD=$PW $V vault delete by-command --yes || exit 3
    """
    done = in_one_session(vault_tui, script)
    assert done.returncode == 0, done.stderr


def test_the_policy_for_other_hosts_is_set_by_vault(vault_tui: CommandLine) -> None:
    """`vault settings` shows and changes what happens to hosts without a service."""
    vault_tui.ok("vault", "create", "strict")
    assert "passthrough" in vault_tui.ok("vault", "settings", "strict")
    vault_tui.ok("vault", "settings", "strict", "--unmatched-hosts", "deny")
    shown = vault_tui.ok("vault", "settings", "strict", "--json")
    assert json.loads(shown) == {"unmatched_host_policy": "deny"}
    vault_tui.ok("vault", "delete", "strict", "--yes")


def test_unlock_lasts_for_the_terminals_session(vault_tui: CommandLine) -> None:
    """One proof serves the commands of one session; `lock` ends it."""
    script = """
    printf '%s' "$PW" > pw; VAULT_TUI_MASTER_PASSWORD_FILE=pw $V unlock || exit 1
    $V vault create by-session || exit 2
    $V vault delete by-session --yes || exit 3
    $V lock || exit 4
    $V vault create by-session; test $? = 5 || exit 6
    """
    done = in_one_session(vault_tui, script)
    assert done.returncode == 0, done.stderr
    assert "Unlocked until 20" in done.stdout


def test_vault_use_is_remembered(vault_tui: CommandLine) -> None:
    """Commands that name no vault are about the one in use, also after it was renamed."""
    vault_tui.ok("vault", "create", "staging")
    vault_tui.ok("vault", "use", "staging")
    try:
        vault_tui.ok("credential", "set", "IN_STAGING", stdin="x")
        vault_tui.ok("vault", "rename", "staging", "stage-two")
        assert "IN_STAGING" in vault_tui.ok("credential", "list")
        assert "IN_STAGING" not in vault_tui.ok("credential", "list", "--vault", "default")
        assert vault_tui("vault", "use", "nothing-here").returncode == 4
    finally:
        vault_tui.ok("vault", "delete", "stage-two", "--yes")
    assert "* default" in " ".join(vault_tui.ok("vault", "list").split())
    mode = (vault_tui.home / "settings" / "cli.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_services_from_options_files_and_the_catalog(
    vault_tui: CommandLine, tmp_path: Path
) -> None:
    """All three ways make services; `set -f` replaces, `clear` removes all."""
    file = tmp_path / "services.yaml"
    file.write_text(
        "services:\n  - {name: from-file, host: a.example, auth: {type: passthrough}}\n"
    )
    assert "1 services" in vault_tui.ok("service", "set", "-f", str(file))
    vault_tui.ok("service", "add", "--from-catalog", "github")
    add = ("service", "add", "--name", "custom", "--host", "c.example/v1/*")
    vault_tui.ok(
        *add,
        *("--auth", "custom", "--header", "X-Key: {{ A_KEY }}", "--rule", "deny DELETE /v1/x"),
        *("--gateway-prefix", "/c/", "--gateway-upstream", "https://c.example/v1"),
    )
    found = json.loads(vault_tui.ok("service", "list", "--json"))["services"]
    by_name = {one["name"]: one for one in found}
    assert set(by_name) == {"from-file", "github", "custom"}
    assert by_name["custom"]["auth"]["headers"] == {"X-Key": "{{ A_KEY }}"}
    assert by_name["custom"]["gateway"] == {"prefix": "c", "upstream": "https://c.example/v1"}
    vault_tui.ok("service", "disable", "custom")
    assert "service_disabled" in vault_tui.ok("service", "test", "https://c.example/v1/y")
    vault_tui.ok("service", "enable", "custom")
    vault_tui.ok("service", "clear", "--yes")
    assert json.loads(vault_tui.ok("service", "list", "--json"))["services"] == []


def test_service_test_says_who_wins_and_why(vault_tui: CommandLine) -> None:
    """The method is optional; the JSON form is the API's object."""
    add = ("service", "add", "--name", "winner", "--host", "w.example", "--auth", "bearer")
    vault_tui.ok(*add, "--token", "NOT_THERE_YET")
    found = json.loads(vault_tui.ok("service", "test", "POST", "https://w.example/", "--json"))
    assert found["service"] == "winner"
    assert found["missing_credentials"] == ["NOT_THERE_YET"]
    assert "winner" in vault_tui.ok("service", "test", "https://w.example/")
    vault_tui.ok("service", "remove", "winner")


def test_an_agents_token_is_printed_once(vault_tui: CommandLine) -> None:
    """`create` and `rotate` print a token; nothing else ever does."""
    made = json.loads(vault_tui.ok("agent", "create", "bot-one", "--ttl", "3600", "--json"))
    assert made["av_agent_token"].startswith("vt_agt_")
    rotated = vault_tui.ok("agent", "rotate", "bot-one", "--ttl", "7200").strip()
    assert rotated.startswith("vt_agt_")
    assert rotated != made["av_agent_token"]
    vault_tui.ok("agent", "rename", "bot-one", "bot-two")
    shown = vault_tui.ok("agent", "info", "bot-two") + vault_tui.ok("agent", "list")
    assert "vt_agt_" not in shown
    assert "default:proxy" in shown
    vault_tui.ok("agent", "delete", "bot-two", "--yes")
    assert vault_tui("agent", "info", "bot-two").returncode == 4


def test_an_agents_environment_decides_who_we_are(vault_tui: CommandLine) -> None:
    """With AGENT_VAULT_TOKEN set, even the owner of the machine is only the agent."""
    vault_tui.ok("credential", "set", "HIDDEN_FROM_AGENTS", stdin="x")
    token = vault_tui.ok("agent", "create", "env-bot").strip()
    api = json.loads(vault_tui.as_peer("status", "--json").stdout)["api"]
    agent = {"AGENT_VAULT_TOKEN": token, "AGENT_VAULT_ADDR": f"http://{api}"}
    assert "HIDDEN_FROM_AGENTS" in vault_tui.ok("discover", **agent)
    assert vault_tui.ok("creds", "list", **agent).split()[0] == "KEY"
    revealed = vault_tui("creds", "get", "HIDDEN_FROM_AGENTS", "--reveal", **agent)
    assert revealed.returncode == 5
    assert revealed.stdout == ""
    vault_tui.ok("agent", "delete", "env-bot", "--yes")


def test_settings_take_the_type_they_have(vault_tui: CommandLine) -> None:
    """Numbers and lists are given plainly; a wrong value changes nothing."""
    vault_tui.ok("config", "set", "allow_cidrs", "10.1.0.0/16,10.2.0.0/16")
    vault_tui.ok("config", "set", "log_retention_days", "7")
    assert vault_tui.ok("config", "get", "log_retention_days") == "7\n"
    assert vault_tui("config", "set", "log_retention_days", "soon").returncode == 2
    assert vault_tui("config", "get", "no_such_setting").returncode == 4
    listed = json.loads(vault_tui.ok("config", "list", "--json"))["settings"]
    cidrs = next(one["value"] for one in listed if one["name"] == "allow_cidrs")
    assert cidrs == ["10.1.0.0/16", "10.2.0.0/16"]


def test_the_ca_can_be_printed_or_written(vault_tui: CommandLine, tmp_path: Path) -> None:
    """Both forms hold the same certificate."""
    printed = vault_tui.as_peer("ca").stdout
    assert vault_tui.as_peer("ca", "--out", str(tmp_path / "ca.pem")).returncode == 0
    assert (tmp_path / "ca.pem").read_text().strip() == printed.strip()
    assert printed.startswith("-----BEGIN CERTIFICATE-----")


def test_events_show_what_has_happened(vault_tui: CommandLine) -> None:
    """The worker's memory is printed line by line; names, never values."""
    vault_tui.ok("credential", "set", "FOR_EVENTS", stdin="s3cr3t-value")
    lines = vault_tui.as_peer("events", "--json").stdout.splitlines()
    assert any("FOR_EVENTS" in line for line in lines)
    assert all(json.loads(line)["type"] for line in lines)
    assert "s3cr3t-value" not in "".join(lines)


def test_a_wrong_filter_points_at_the_column(vault_tui: CommandLine) -> None:
    """The error says where; no traceback."""
    done = vault_tui.as_peer("logs", "--filter", "method:GET and (")
    assert done.returncode == 2
    assert "column" in done.stderr


def test_sealed_is_3_and_unseal_opens(bare: CommandLine) -> None:
    """A sealed vault answers 3 to what needs the key, and says what to do."""
    assert bare.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    assert bare.as_peer("credential", "list", "--reveal").returncode == 3
    assert bare.as_peer("init", "--password-stdin", stdin=PASSWORD).returncode == 0
    again = bare.as_peer("init", "--password-stdin", stdin=PASSWORD)
    assert again.returncode == 1
    bare.ok("seal")
    assert json.loads(bare.as_peer("status", "--json").stdout)["sealed"] is True
    sealed = bare("credential", "set", "K=1")
    assert sealed.returncode == 3
    assert "vault-tui unseal" in sealed.stderr
    assert bare.as_peer("unseal").returncode == 5
    bare.ok("unseal")
    bare.ok("credential", "set", "K=1")


def test_a_key_file_opens_silently(bare: CommandLine, tmp_path: Path) -> None:
    """With a key file, init, a restart and every proof need nobody to ask."""
    keyfile = tmp_path / "vault.key"
    assert bare.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    assert bare.as_peer("init", "--keyfile", str(keyfile)).returncode == 0
    assert stat.S_IMODE(keyfile.stat().st_mode) == 0o600
    assert bare.as_peer("credential", "set", "SILENT=1").returncode == 0
    assert bare.as_peer("stop").returncode == 0
    assert bare.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    assert bare.as_peer("credential", "get", "SILENT", "--reveal").stdout == "1\n"


def test_without_a_worker_commands_say_how_to_start_one(bare: CommandLine) -> None:
    """Exit code 3 and one sentence; `status --short` stays quiet for status bars."""
    for command in (("status",), ("status", "--json"), ("vault", "list"), ("stop",)):
        done = bare.as_peer(*command)
        assert done.returncode == 3, command
        assert done.stderr.count("\n") == 1
    assert bare.as_peer("status", "--short").stdout == "vault: off\n"
    assert not bare.home.exists()


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["vault", "nonsense"], ["credential", "set"], ["logs", "--bad"]]
)
def test_a_wrong_command_line_is_2(bare: CommandLine, arguments: list[str]) -> None:
    """Usage errors are 2, and leave stdout empty."""
    done = bare.as_peer(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
