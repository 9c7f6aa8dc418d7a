"""Claude Code: `settings.json`, and in proxy mode the login file and the first run's questions."""

import shlex
import sys
from typing import Any

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import Edit, FileEdits
from vault_tui.setup.tools import GATEWAY, Setup

PLACEHOLDER = "__PLACEHOLDER__"
_FAR_MS = 4_102_444_800_000  # 2100-01-01
# By subscription: the limits that come with it. It decides which models the program offers.
_LIMITS = {
    "max": "default_claude_max_20x",
    "pro": "default_claude_ai",
    "team": "default_claude_ai",
    "enterprise": "default_claude_ai",
}
_USUAL = "max"
_KEYCHAIN = "A login in the macOS keychain wins over that file: `claude /logout` removes it."
_PREFER = (
    "Preferred: `vault-tui run -- claude` or `vault-tui claude`, whose token ends with the command "
    "and stands in no file. What was written here is for a `claude` started by itself."
)


def build(mode: str, facts: Facts) -> Setup:
    """Where CLAUDE_CONFIG_DIR is set, everything lies in it."""
    directory = facts.directory("CLAUDE_CONFIG_DIR", ".claude")
    settings = directory / "settings.json"
    if mode == GATEWAY:
        return Setup([FileEdits(settings, "json", _gateway(facts))])
    beside = directory if facts.environ.get("CLAUDE_CONFIG_DIR") else facts.home
    return Setup(
        [
            FileEdits(settings, "json", _proxy(facts), secret=True),
            FileEdits(
                directory / ".credentials.json",
                "json",
                [Edit(("claudeAiOauth",), _login(facts))],
                True,
            ),
            FileEdits(beside / ".claude.json", "json", [Edit(("hasCompletedOnboarding",), True)]),
        ],
        [_PREFER, _KEYCHAIN] if sys.platform == "darwin" else [_PREFER],
    )


def _login(facts: Facts) -> dict[str, Any]:
    """Without a refresh token there is nothing that the program would try to renew."""
    subscription = facts.subscription if facts.subscription in _LIMITS else _USUAL
    return {
        "accessToken": PLACEHOLDER,
        "expiresAt": _FAR_MS,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": subscription,
        "rateLimitTier": _LIMITS[subscription],
    }


def _gateway(facts: Facts) -> list[Edit]:
    edits = [
        Edit(("env", "ANTHROPIC_BASE_URL"), facts.base_url("anthropic")),
        Edit(("env", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"), str(facts.helper_ttl_ms)),
        Edit(("apiKeyHelper",), shlex.join(facts.helper)),
    ]
    if facts.proxy_tls:
        edits.append(Edit(("env", "NODE_EXTRA_CA_CERTS"), facts.ca_path))
    return edits


def _proxy(facts: Facts) -> list[Edit]:
    variables = {
        "HTTPS_PROXY": facts.proxy_url,
        "HTTP_PROXY": facts.proxy_url,
        "NO_PROXY": facts.no_proxy,
        "NODE_EXTRA_CA_CERTS": facts.ca_path,
        # Of what it starts: curl, Python and git replace their own roots by these.
        "SSL_CERT_FILE": facts.bundle_path,
        "CURL_CA_BUNDLE": facts.bundle_path,
        "REQUESTS_CA_BUNDLE": facts.bundle_path,
        "GIT_SSL_CAINFO": facts.bundle_path,
    }
    return [Edit(("env", name), value) for name, value in variables.items()]
