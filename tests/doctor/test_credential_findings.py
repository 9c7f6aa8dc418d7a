"""What Claude Code would sign in with, and what is wrong with it."""

from pathlib import Path

import pytest

from tests.doctor.scene import (
    CREDENTIALS,
    LOCAL,
    OAUTH,
    REAL_LOGIN,
    USER,
    Expected,
    Scene,
    assert_found,
)
from tests.domain.doctor.well import NOW, PLACEHOLDER

SCENES: dict[str, Expected] = {
    "a key in the shell": (
        Scene({**OAUTH, "ANTHROPIC_API_KEY": "sk-ant-x"}),
        "real_secret",
        "unset ANTHROPIC_API_KEY",
    ),
    "a key in the user's settings": (
        Scene({}, user={USER: {"env": {"ANTHROPIC_API_KEY": "sk-ant-x"}}}),
        "real_secret",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "a token in the local settings": (
        Scene({}, project={LOCAL: {"env": {"ANTHROPIC_AUTH_TOKEN": "sk"}}}),
        "real_secret",
        "${EDITOR:-vi} PLACE/project/.claude/settings.local.json",
    ),
    "a placeholder key switches the login off": (
        Scene({**OAUTH, "ANTHROPIC_API_KEY": PLACEHOLDER}),
        "login_ignored",
        "unset ANTHROPIC_API_KEY",
    ),
    "a user's helper switches the login off": (
        Scene(user={USER: {"apiKeyHelper": "get-key"}}),
        "login_ignored",
        "${EDITOR:-vi} PLACE/ada/.claude/settings.json",
    ),
    "both a key and a token": (
        Scene({"ANTHROPIC_API_KEY": PLACEHOLDER, "ANTHROPIC_AUTH_TOKEN": PLACEHOLDER}),
        "two_credentials",
        "unset ANTHROPIC_AUTH_TOKEN",
    ),
    "a real login below the vault": (
        Scene({}, user={CREDENTIALS: REAL_LOGIN}),
        "real_login",
        "vault-tui claude",
    ),
    "a login that others can read": (
        Scene({}, user={CREDENTIALS: REAL_LOGIN}, mode=0o644),
        "login_open",
        "chmod 600 PLACE/ada/.claude/.credentials.json",
    ),
    "a login without the scope": (
        Scene({}, user={CREDENTIALS: {"claudeAiOauth": {"accessToken": PLACEHOLDER}}}),
        "login_scope",
        "vault-tui claude",
    ),
    "an expired login": (
        Scene(
            {},
            user={
                CREDENTIALS: {
                    "claudeAiOauth": {
                        "accessToken": "sk-x",
                        "expiresAt": (NOW - 60) * 1000,
                        "scopes": ["user:inference"],
                    }
                }
            },
        ),
        "login_expired",
        "vault-tui claude",
    ),
    "nothing at all": (Scene({}, user={USER: {}}), "no_credential", "vault-tui claude"),
    "bare without a key": (
        Scene(user={USER: {"apiKeyHelper": "get-key"}}, bare=True),
        "no_credential",
        "export ANTHROPIC_API_KEY=__PLACEHOLDER__",
    ),
    "a key of an earlier version": (
        Scene(user={".claude/config.json": {"primaryApiKey": "sk-old"}}),
        "stale_cache",
        "rm PLACE/ada/.claude/config.json",
    ),
    "a key that was once refused": (
        Scene(
            {"ANTHROPIC_API_KEY": "sk-ant-" + "k" * 20},
            user={".claude.json": {"customApiKeyResponses": {"rejected": ["k" * 20]}}},
        ),
        "key_rejected",
        "${EDITOR:-vi} PLACE/ada/.claude.json",
    ),
    "another place for the configuration": (
        Scene({"CLAUDE_CONFIG_DIR": "PLACE/ada/cc"}, user={"cc/.credentials.json": REAL_LOGIN}),
        "real_login",
        "vault-tui claude",
    ),
    "a managed context": (
        Scene(
            {**OAUTH, "ANTHROPIC_API_KEY": "sk-ant-x", "CLAUDE_CODE_ENTRYPOINT": "claude-desktop"}
        ),
        "managed_context",
        "vault-tui claude",
    ),
}


@pytest.mark.parametrize("expected", SCENES.values(), ids=SCENES)
def test_each_has_its_finding(tmp_path: Path, expected: Expected) -> None:
    """With the one command that mends it."""
    assert_found(tmp_path, expected)
