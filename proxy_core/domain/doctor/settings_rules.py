"""What can be wrong with the settings files themselves, and with what a project brings along."""

from collections.abc import Callable, Iterator, Mapping
from shlex import quote

from proxy_core.domain.doctor.claude_rules import take_away
from proxy_core.domain.doctor.environment_rules import ANTHROPIC_HOST
from proxy_core.domain.doctor.facts import ClaudeFacts, Facts
from proxy_core.domain.doctor.findings import Finding, error, warning
from proxy_core.domain.doctor.values import ENVIRONMENT, variable
from proxy_core.domain.no_proxy import bypasses

SCRIPT_SETTINGS = (
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
    "otelHeadersHelper",
)
"""Settings that name a command: Claude Code runs it without asking."""

_SHORTEST_TIMEOUT_MS = 10_000


def _address(proxy: str) -> str:
    """Without the token: `setup` writes an agent's, `run` a session's."""
    return proxy.rpartition("@")[2].rpartition("/")[2]


_Differs = Callable[[str, str], bool]
# What `run` sets and a settings file may replace, and when that leads elsewhere.
_WIRING: Mapping[str, _Differs] = {
    "HTTPS_PROXY": lambda given, own: _address(given) != _address(own),
    "https_proxy": lambda given, own: _address(given) != _address(own),
    "NO_PROXY": lambda given, _: bypasses(given, ANTHROPIC_HOST),
    "no_proxy": lambda given, _: bypasses(given, ANTHROPIC_HOST),
    "NODE_EXTRA_CA_CERTS": lambda given, own: given != own,
}


def settings_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module."""
    claude = facts.claude
    if claude is None:
        return
    for file in claude.settings:
        if file.problem:
            what = f"{file.path} cannot be read: {file.problem}."
            why = "Claude Code ignores the whole file."
            yield error("settings_unreadable", what, why, f"${{EDITOR:-vi}} {quote(file.path)}")
    yield from _scripts(claude)
    yield from _replaced_wiring(facts, claude)
    yield from _timeout(claude)


def _scripts(claude: ClaudeFacts) -> Iterator[Finding]:
    for script in claude.scripts:
        if not script.trusted:
            yield error(
                "script_untrusted",
                f"{script.path} names a command that Claude Code runs ({script.setting}), and "
                "nobody has trusted it in this form.",
                "It came with the project; `vault-tui run` does not start here until then.",
                f"vault-tui trust {quote(claude.directory)}",
            )


def _replaced_wiring(facts: Facts, claude: ClaudeFacts) -> Iterator[Finding]:
    if not facts.wired:
        return
    for name, differs in _WIRING.items():
        found = variable(claude, name)
        if found is None or found.origin == ENVIRONMENT:
            continue
        if differs(found.text, facts.environ.get(name, "")):
            yield warning(
                "settings_replace",
                f"{found.origin} replaces what `vault-tui run` has set.",
                "Claude Code then goes past the vault, or does not trust it.",
                take_away(found),
            )


def _timeout(claude: ClaudeFacts) -> Iterator[Finding]:
    found = variable(claude, "API_TIMEOUT_MS")
    if found is None:
        return
    if not found.text.isdecimal() or int(found.text) < _SHORTEST_TIMEOUT_MS:
        yield warning(
            "api_timeout",
            f"API_TIMEOUT_MS ({found.origin}) is not a number of milliseconds above "
            f"{_SHORTEST_TIMEOUT_MS}.",
            "Long answers are cut off; the default is 600000.",
            take_away(found),
        )
