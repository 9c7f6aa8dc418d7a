"""Profiles of AWS' tools: what is read of them, and what of them the worker can't do."""

import json
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.auth_document import parse_auth
from tests.cli.conftest import CommandLine
from vault_tui.cli.vaults.aws_profiles import read_profile

ROLE = "arn:aws:iam::123456789012:role/agents"
CREDENTIALS = """
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = s3cret%default
[team-a]
aws_access_key_id=AKIATEAM
aws_secret_access_key=s3cret/team
aws_session_token=token==
"""
CONFIG = f"""
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
[profile team-a]
aws_access_key_id = AKIAOLD
[profile "with blank"]
role_arn = {ROLE}
source_profile = default
[profile agents]
role_arn = {ROLE}
source_profile = team-a
external_id = acme:7
role_session_name = ci
duration_seconds = 900
[profile ages]
role_arn = {ROLE}
source_profile = default
duration_seconds = {"9" * 5000}
[profile ключи]
aws_access_key_id = AKIAOTHER
aws_secret_access_key = s3cret
[profile itself]
role_arn = {ROLE}
source_profile = itself
aws_access_key_id = AKIAITSELF
aws_secret_access_key = s3cret
[profile chained]
role_arn = {ROLE}
source_profile = agents
[profile rootless]
role_arn = {ROLE}
[profile machine]
role_arn = {ROLE}
credential_source = Ec2InstanceMetadata
[profile phone]
role_arn = {ROLE}
source_profile = default
mfa_serial = arn:aws:iam::123456789012:mfa/ada
[profile web]
sso_session = acme
[profile program]
credential_process = /usr/bin/secrets
[profile empty]
region = eu-west-1
[profile lost]
role_arn = {ROLE}
source_profile = nowhere
[sso-session acme]
sso_region = eu-west-1
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with both files."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(CREDENTIALS)
    (tmp_path / ".aws" / "config").write_text(CONFIG)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE", raising=False)
    return tmp_path / ".aws"


def test_the_default_profile_has_the_usual_names(files: Path) -> None:
    """Its credentials are called as AWS' tools call them in the environment."""
    profile = read_profile("default")
    assert profile.values == {
        "AWS_ACCESS_KEY_ID": "AKIADEFAULT",
        "AWS_SECRET_ACCESS_KEY": "s3cret%default",
    }
    assert profile.auth == {
        "type": "aws-sigv4",
        "access_key_id": "AWS_ACCESS_KEY_ID",
        "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    }
    assert "s3cret" not in repr(profile)


def test_a_role_signs_with_the_keys_of_its_source(files: Path) -> None:
    """They are called by the profile that holds them; the credentials file wins."""
    profile = read_profile("agents")
    assert profile.holder == "team-a"
    assert profile.values == {
        "AWS_TEAM_A_ACCESS_KEY_ID": "AKIATEAM",
        "AWS_TEAM_A_SECRET_ACCESS_KEY": "s3cret/team",
        "AWS_TEAM_A_SESSION_TOKEN": "token==",
    }
    auth = parse_auth(profile.auth, "auth")
    assert (auth.role_arn, auth.external_id, auth.session_name) == (ROLE, "acme:7", "ci")
    assert (auth.duration, auth.session_token) == (900, "AWS_TEAM_A_SESSION_TOKEN")


@pytest.mark.parametrize(
    ("name", "holder"), [("itself", "itself"), ("with blank", "default"), ("team-a", "team-a")]
)
def test_names_and_sources_of_every_kind(files: Path, name: str, holder: str) -> None:
    """A profile may be its own source; names may hold blanks."""
    profile = read_profile(name)
    assert profile.holder == holder
    assert parse_auth(profile.auth, "auth")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("chained", "another role, that of agents"),
        ("rootless", "names no source_profile"),
        ("machine", "needs credential_source"),
        ("phone", "needs mfa_serial"),
        ("web", "needs sso_session"),
        ("program", "needs credential_process"),
        ("empty", "holds no access key"),
    ],
)
def test_what_the_worker_could_not_renew_is_refused(files: Path, name: str, why: str) -> None:
    """With the way to temporary keys, which AWS' own tool makes."""
    with pytest.raises(VaultError) as caught:
        read_profile(name)
    assert caught.value.code == "bad_request"
    assert why in caught.value.detail
    assert f"--profile {name} | vault-tui credential import -" in caught.value.extra["help"]


def test_a_name_that_no_credential_can_bear_is_refused(files: Path) -> None:
    """Its keys would take the place of the default's."""
    with pytest.raises(VaultError, match="ASCII") as caught:
        read_profile("ключи")
    assert caught.value.code == "bad_request"


def test_a_duration_beyond_all_numbers_is_one_of_a_service_no_more(files: Path) -> None:
    """It is refused with the service that it stands in."""
    with pytest.raises(VaultError, match="duration"):
        parse_auth(read_profile("ages").auth, "auth")


@pytest.mark.parametrize("name", ["nowhere", "lost", "sso-session acme", "acme"])
def test_a_profile_that_is_not_there_is_named(files: Path, name: str) -> None:
    """With the files that were looked into."""
    with pytest.raises(VaultError) as caught:
        read_profile(name)
    assert caught.value.code == "not_found"
    assert str(files / "config") in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "aws_secret_access_key = s3cret",
        "[default]\ns3cret",
        "[default]\naws_secret_access_key = s3cret\n[default]\na = s3cret",
        "[default\naws_secret_access_key = s3cret",
    ],
)
def test_no_error_shows_a_line_of_a_file(files: Path, text: str) -> None:
    """Nor does what it was raised from: any line may be the secret's."""
    (files / "credentials").write_text(text)
    with pytest.raises(VaultError) as caught:
        read_profile("default")
    assert "s3cret" not in f"{caught.value!r} {caught.value.detail} {caught.value.__context__!r}"


def test_other_files_are_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS' tools let one; none has to be there."""
    other = tmp_path / "other"
    other.write_text("[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(other))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "missing"))
    assert read_profile("default").values["AWS_ACCESS_KEY_ID"] == "AKIA1"


def test_a_service_signs_as_a_profile(vault_tui: CommandLine, files: Path) -> None:
    """`service add` stores the keys and names the role; `credential import` the keys alone."""
    home = {"HOME": str(files.parent)}
    imported = vault_tui("credential", "import", "--aws-profile", "with blank", **home)
    assert imported.stdout == "AWS_ACCESS_KEY_ID\nAWS_SECRET_ACCESS_KEY\n"
    assert ROLE in imported.stderr
    add = ("service", "add", "--from-catalog", "bedrock", "--name", "by-profile")
    for wrong in (
        (*add, "--host", "not a host", "--aws-profile", "agents"),
        (*add, "--auth", "passthrough", "--aws-profile", "agents"),
        ("credential", "import", "-", "--aws-profile", "agents"),
    ):
        assert vault_tui(*wrong, **home).returncode == 2
    assert vault_tui("credential", "get", "AWS_TEAM_A_ACCESS_KEY_ID").returncode == 4
    said = vault_tui.ok(*add, "--aws-profile", "agents", **home)
    assert "AWS_TEAM_A_SECRET_ACCESS_KEY" in said
    assert "s3cret" not in said + imported.stdout + imported.stderr
    listed = json.loads(vault_tui.ok("service", "list", "--json"))["services"]
    (made,) = [one for one in listed if one["name"] == "by-profile"]
    assert made["auth"] == read_profile("agents").auth
    revealed = vault_tui.ok("credential", "get", "AWS_TEAM_A_SECRET_ACCESS_KEY", "--reveal")
    assert revealed == "s3cret/team\n"
