"""What a change does to a file, as a unified diff without any secret in it.

Secrets are found by what they look like and by the name before them. Each gets a number, so that
one may see that it changes and never what it is.
"""

import difflib
import re
from dataclasses import dataclass, field

from proxy_core.base.text import display_safe
from vault_tui.setup.plan import Change

_WIDEST = 240
# Of one line, that much is looked at: more than is shown, so that no secret is cut unseen.
_LOOKED_AT = 8192
_USER_INFO = re.compile(r"(?<=://)[^/\s\"'@]+(?=@)")
# Prefixed tokens, JWTs, and anything long with both letters and digits and no path in it.
_LOOKS = re.compile(
    r"\b(?:vt_[a-z]+_|sk-|gh[a-z]_|github_pat_|xox[a-z]-|glpat-|AKIA)[A-Za-z0-9_\-]{8,}"
    r"|\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?"
    r"|(?<![A-Za-z0-9_\-+=/.])(?=[A-Za-z_\-+=]*\d)(?=[\d_\-+=]*[A-Za-z])[A-Za-z0-9_\-+=]{32,}"
)
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_.\-])(?P<lead>[\"']?(?P<name>[A-Za-z0-9_.\-]+)[\"']?\s*[:=]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)+(?:\"|$)|'[^']+(?:'|$)|[^\s\"'{\[,][^\s,]*)"
)
_SECRET_NAME = re.compile(r"token|secret|password|passwd|credential|authorization|api_?key", re.I)
_SECRET_NAMES = frozenset({"auth", "key", "pass"})
_HARMLESS = frozenset(
    {"apikeyhelper", "claude_code_api_key_helper_ttl_ms", "env_key", "credsstore", "credhelpers"}
)
_PUBLIC = re.compile(r"[\"']?(?:__[A-Za-z0-9_]+__|true|false|null|\d{1,4})[\"']?")


@dataclass(slots=True)
class Redactor:
    """Gives each secret a number, the same one wherever it stands."""

    _numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        text = _USER_INFO.sub(lambda found: self._mark(found[0]), text)
        text = _NAMED.sub(self._named, text)
        return _LOOKS.sub(lambda found: self._mark(found[0]), text)

    def _named(self, found: re.Match[str]) -> str:
        name, value = found["name"].lower(), found["value"]
        secret = name in _SECRET_NAMES or _SECRET_NAME.search(name) is not None
        if not secret or name in _HARMLESS or _PUBLIC.fullmatch(value) or "[redacted" in value:
            return found[0]
        quote = value[0] if value[0] in "\"'" else ""
        return f"{found['lead']}{quote}{self._mark(value.strip(quote))}{quote}"

    def _mark(self, secret: str) -> str:
        return f"[redacted {self._numbers.setdefault(secret, len(self._numbers) + 1)}]"


def difference(change: Change, redactor: Redactor) -> list[str]:
    """Lines of a unified diff, fit for a terminal; permissions first, where they change."""
    lines = []
    path = display_safe(str(change.path))
    if change.before is not None and change.after is not None and change.mode != change.mode_before:
        lines.append(f"mode {change.mode_before:04o} -> {change.mode:04o} {path}")
    before = "/dev/null" if change.before is None else path
    after = "/dev/null" if change.after is None else path
    old, new = (
        (content or b"").decode("utf-8", "replace").splitlines()
        for content in (change.before, change.after)
    )
    shown = difflib.unified_diff(old, new, before, after, n=2, lineterm="")
    return lines + [_fit(redactor.redact(line[:_LOOKED_AT])) for line in shown]


def _fit(line: str) -> str:
    """Tabs as the blanks that a terminal makes of them: git indents its settings so."""
    return display_safe(line.expandtabs(), _WIDEST)
