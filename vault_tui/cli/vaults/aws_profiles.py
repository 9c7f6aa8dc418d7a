"""Profiles of AWS' own tools, read on the operator's machine: whose keys sign, and as which role.

    ~/.aws/credentials      [NAME]              keys
    ~/.aws/config           [profile NAME]      keys too, roles; what the other file says wins

What needs more than the two files (single sign-on, programs, second factors, chains of roles) is
refused: the worker could not renew it.

https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

import configparser
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from vault_tui.cli import secret_input
from vault_tui.service_words import auth_value

DEFAULT: Final = "default"

_KEYS: Final = {"access_key_id": "aws_access_key_id", "secret_access_key": "aws_secret_access_key"}
_TOKEN: Final = ("session_token", "aws_session_token")
_ROLE: Final = {
    "role_arn": "role_arn",
    "external_id": "external_id",
    "session_name": "role_session_name",
    "duration": "duration_seconds",
}
_ELSEWHERE: Final = (
    "sso_session",
    "sso_start_url",
    "credential_process",
    "credential_source",
    "web_identity_token_file",
    "login_session",
    "mfa_serial",
)

_Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Profile:
    """`auth` is the block of a service that signs with it; `values` are the credentials that this
    names, by key. `holder` is the profile that the keys stand in.
    """

    holder: str
    auth: Mapping[str, Any]
    values: Mapping[str, str] = field(repr=False)


def read_profile(name: str) -> Profile:
    """The profile of that name. Raises VaultError not_found, bad_request; OSError.

    No error shows a line of the files: any may hold a secret.
    """
    profiles = _profiles()
    asked = _named(name, profiles)
    if "role_arn" not in asked:
        return _profile(name, asked, {})
    _check_self_sufficient(name, asked)
    source = asked.get("source_profile")
    if not source:
        raise _unusable(name, "assumes a role, but names no source_profile")
    holder = _named(source, profiles)
    if source != name and "role_arn" in holder:
        raise _unusable(name, f"assumes a role with another role, that of {_safe(source)}")
    role = {one: auth_value(one, asked[theirs]) for one, theirs in _ROLE.items() if theirs in asked}
    return _profile(source, holder, role)


def _profile(name: str, settings: _Settings, role: Mapping[str, str | int]) -> Profile:
    fields = dict(_KEYS)
    if not all(settings.get(theirs) for theirs in fields.values()):
        _check_self_sufficient(name, settings)
        raise _unusable(name, "holds no access key")
    if settings.get(_TOKEN[1]):
        fields |= (_TOKEN,)
    keys = {ours: _credential_key(name, ours) for ours in fields}
    values = {keys[ours]: settings[theirs] for ours, theirs in fields.items()}
    return Profile(name, {"type": "aws-sigv4", **keys, **role}, values)


def _credential_key(profile: str, field_: str) -> str:
    """As AWS' tools call it in the environment; with the profile in it, unless it is the default:
    two of them may be in one vault. Raises VaultError bad_request.
    """
    word = re.sub("[^A-Z0-9]+", "_", profile.upper()).strip("_")
    if not word:  # the default's keys would be overwritten
        raise _unusable(profile, "has no ASCII letter or digit in its name to call its keys by")
    words = [] if profile == DEFAULT else [word]
    return "_".join(["AWS", *words, field_.upper()])


def _named(name: str, profiles: Mapping[str, _Settings]) -> _Settings:
    if name not in profiles:
        files = " nor ".join(str(path) for path in (_credentials_file(), _config_file()))
        raise VaultError("not_found", f"Neither {files} has a profile {_safe(name)}.")
    return profiles[name]


def _check_self_sufficient(name: str, settings: _Settings) -> None:
    """Raises VaultError bad_request for what the files alone don't make keys of."""
    for one in _ELSEWHERE:
        if one in settings:
            raise _unusable(name, f"needs {one}, which the worker can't do")


def _unusable(name: str, why: str) -> VaultError:
    shown = shlex.quote(_safe(name))
    return VaultError(
        "bad_request",
        f"AWS profile {_safe(name)} {why}.",
        {
            "help": "Temporary keys of it: `aws configure export-credentials --format "
            f"env-no-export --profile {shown} | vault-tui credential import -`."
        },
    )


def _safe(text: str) -> str:
    return display_safe(text, 100)


# --- the files ------------------------------------------------------------------------------------


def _credentials_file() -> Path:
    return _file("AWS_SHARED_CREDENTIALS_FILE", "credentials")


def _config_file() -> Path:
    return _file("AWS_CONFIG_FILE", "config")


def _file(variable: str, name: str) -> Path:
    named = os.environ.get(variable)
    return Path(named).expanduser() if named else Path.home() / ".aws" / name


def _profiles() -> dict[str, _Settings]:
    found: dict[str, dict[str, str]] = {}
    for section, settings in _sections(_config_file()).items():
        if (name := _profile_name(section)) is not None:
            found[name] = settings
    for name, settings in _sections(_credentials_file()).items():
        found[name] = {**found.get(name, {}), **settings}
    return {**found}


def _profile_name(section: str) -> str | None:
    """Of a section in the config file; None: it is another thing's."""
    if section == DEFAULT:
        return section
    try:
        words = shlex.split(section)
    except ValueError:
        return None
    return words[1] if len(words) == 2 and words[0] == "profile" else None


def _sections(path: Path) -> dict[str, dict[str, str]]:
    """Settings by section. Raises VaultError bad_request; OSError."""
    if not path.exists():
        return {}
    parser = configparser.RawConfigParser(default_section="")
    text = secret_input.from_file(path)
    if not _parses(parser, text):
        raise VaultError("bad_request", f"{path} is not in the form that AWS' tools write.")
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _parses(parser: configparser.RawConfigParser, text: str) -> bool:
    """Whether `parser` has read `text`; its errors carry lines, so they end here."""
    try:
        parser.read_string(text)
    except configparser.Error:
        return False
    return True
