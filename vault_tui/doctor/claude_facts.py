"""What there is of Claude Code in a directory and environment."""

import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy_core.base.paths import Home
from proxy_core.domain.doctor import ClaudeFacts, GatewayLogin, LoginFile
from proxy_core.domain.doctor.values import is_placeholder, split_url
from vault_tui.doctor.scripts import TrustStore, project_scripts
from vault_tui.doctor.settings_files import (
    Unreadable,
    config_directory,
    read_object,
    settings_files,
    user_home,
)

PROGRAM = "claude"
_PREFIXES = ("ANTHROPIC_", "CLAUDE_CODE_")
_KEYCHAIN_ITEM = "Claude Code-credentials"
_KEYCHAIN_SECONDS = 2.0


def claude_facts(
    directory: Path,
    environ: Mapping[str, str],
    home: Home,
    *,
    bare: bool = False,
    explicit: Path | None = None,
) -> ClaudeFacts | None:
    """None where Claude Code plays no part: no program, no files, no variables.

    Raises VaultError: home_unusable.
    """
    own, user = config_directory(environ), user_home(environ)
    installed = shutil.which(PROGRAM, path=environ.get("PATH")) is not None
    settings = settings_files(directory, environ, explicit)
    named = any(name.startswith(_PREFIXES) and value for name, value in environ.items())
    if not (installed or settings or named or own.is_dir()):
        return None
    config_path = (own if environ.get("CLAUDE_CONFIG_DIR") else user) / ".claude.json"
    old = own / "config.json"
    return ClaudeFacts(
        environ=environ,
        directory=str(directory),
        installed=installed,
        settings=tuple(settings),
        config=_object(config_path),
        config_path=str(config_path),
        login=_login(own / ".credentials.json"),
        gateway=gateway_login(environ),
        scripts=tuple(project_scripts(directory, environ, TrustStore(home))),
        stale_key=str(old) if _object(old).get("primaryApiKey") else "",
        bare=bare,
        aws_profile=any((user / ".aws" / name).is_file() for name in ("credentials", "config")),
        google_login=(user / ".config/gcloud/application_default_credentials.json").is_file(),
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        return read_object(path) or {}
    except Unreadable:
        return {}


def _login(path: Path) -> LoginFile | None:
    found = _object(path).get("claudeAiOauth")
    if not isinstance(found, dict) or not isinstance(found.get("accessToken"), str):
        return (
            LoginFile("keychain", scopes=("user:inference",), in_keychain=True)
            if (_in_keychain())
            else None
        )
    expires, scopes = found.get("expiresAt"), found.get("scopes")
    return LoginFile(
        path=str(path),
        placeholder=is_placeholder(found["accessToken"]),
        has_refresh_token=bool(found.get("refreshToken")),
        expires_at=expires / 1000 if isinstance(expires, int | float) else None,
        scopes=tuple(map(str, scopes)) if isinstance(scopes, list) else (),
        open_to_others=bool(stat.S_IMODE(path.stat().st_mode) & 0o077),
    )


def gateway_login(environ: Mapping[str, str]) -> GatewayLogin | None:
    """What `/login` to a gateway has stored, if its host is trusted."""
    path = config_directory(environ) / ".credentials.json"
    stored = _object(path)
    found, trusted = stored.get("enterpriseGateway"), stored.get("gatewayTrust")
    if not isinstance(found, dict) or not isinstance(trusted, dict):
        return None
    url, token, expires = (found.get(name) for name in ("url", "jwt", "expiresAt"))
    if not isinstance(url, str) or not isinstance(token, str):
        return None
    if not trusted.get(split_url(url).hostname or ""):
        return None
    expired = isinstance(expires, int | float) and expires / 1000 <= time.time()
    return GatewayLogin(str(path), url, token, expired and not found.get("idpRefreshToken"))


def _in_keychain() -> bool:
    """Whether macOS keeps a login; it is not read."""
    if sys.platform != "darwin":
        return False
    command = ["/usr/bin/security", "find-generic-password", "-s", _KEYCHAIN_ITEM]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_KEYCHAIN_SECONDS, check=False)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
