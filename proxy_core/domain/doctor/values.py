"""Where Claude Code takes a value from: settings files in their order, then the environment.

Variables in a settings file's `env` replace inherited ones of the same name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from proxy_core.domain.claude_code import PLACEHOLDER
from proxy_core.domain.doctor.facts import ClaudeFacts, Scope, SettingsFile

ENVIRONMENT = "environment"
_HEEDED_BY_BARE = frozenset({Scope.MANAGED, Scope.EXPLICIT})
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it stands; `shown` tells about it without saying it."""

    name: str
    origin: str
    text: str = field(repr=False)
    scope: Scope | None = None
    placeholder: bool = False

    @property
    def shown(self) -> str:
        """`a placeholder`, or how long it is."""
        if self.placeholder:
            return "a placeholder"
        return f"{len(self.text)} characters"


def heeded(facts: ClaudeFacts) -> Iterator[SettingsFile]:
    """The files whose settings count: with --bare only those that were named, or managed. The
    variables in them count in any case.
    """
    for file in facts.settings:
        if not facts.bare or file.scope in _HEEDED_BY_BARE:
            yield file


def setting(facts: ClaudeFacts, name: str) -> Value | None:
    """A setting that is a text, from the strongest file that has it."""
    for file in heeded(facts):
        text = file.values.get(name)
        if isinstance(text, str) and text:
            return Value(name, f"{file.path}: {name}", text, file.scope)
    return None


def variable(facts: ClaudeFacts, name: str) -> Value | None:
    """A variable as Claude Code sees it; an empty one counts as none."""
    for file in facts.settings:
        variables = file.values.get("env")
        given: Any = variables.get(name) if isinstance(variables, dict) else None
        if given is not None:
            return _variable(name, f"{file.path}: env.{name}", _text(given), file.scope)
    return _variable(name, ENVIRONMENT, facts.environ.get(name, ""), None)


def switched_on(facts: ClaudeFacts, name: str) -> bool:
    """Whether a variable says yes: 1, true, yes or on."""
    found = variable(facts, name)
    return found is not None and found.text.strip().lower() in _TRUE


def custom_headers(facts: ClaudeFacts) -> tuple[dict[str, str], list[int]]:
    """ANTHROPIC_CUSTOM_HEADERS: values by lower-case name, and the numbers of malformed lines."""
    found = variable(facts, "ANTHROPIC_CUSTOM_HEADERS")
    headers: dict[str, str] = {}
    malformed: list[int] = []
    for number, line in enumerate((found.text if found else "").splitlines(), 1):
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers[name.strip().lower()] = value.strip()
        elif line.strip():
            malformed.append(number)
    return headers, malformed


def _variable(name: str, origin: str, text: str, scope: Scope | None) -> Value | None:
    if not text:
        return None
    return Value(name, origin, text, scope, placeholder=is_placeholder(text))


def is_placeholder(text: str) -> bool:
    """Whether it stands for a secret: `__NAME__`, as `vault-tui run` puts in its place."""
    return text == PLACEHOLDER or (len(text) > 4 and text.startswith("__") and text.endswith("__"))


def split_url(text: str) -> SplitResult:
    """The parts of a URL; none at all of a text that is no URL."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given)
