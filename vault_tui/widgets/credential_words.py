"""A credential as a row and in detail: never its value."""

import shlex

from textual.content import Content

from proxy_core.domain.wire import CredentialInfo
from vault_tui.strings import accounts as account_words
from vault_tui.strings import commands as command_words
from vault_tui.strings import common as strings
from vault_tui.strings import oauth as words
from vault_tui.widgets.account_detail import in_words
from vault_tui.widgets.quoting import hang
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

_UNBOUND = 10_000
_HINTS = {
    "oauth": words.OAUTH_HINT,
    "pool": words.POOL_HINT,
    "command": command_words.HINT,
}


def cells(found: CredentialInfo, now: float) -> dict[str, Content]:
    """Cells by column id."""
    used = ", ".join(found.used_by)
    return {
        "key": plain(found.key, "bold"),
        "type": plain(found.type, "$muted" if found.type == "static" else "$primary"),
        "used_by": plain(used) if used else Content.styled(strings.USED_BY_NONE, "$faint"),
        "last_used": Content.styled(ago(found.last_used_at, now), "$muted"),
        "versions": Content.styled(f"{found.version or strings.NEVER:>3}", "$muted"),
        "expires": expires(found.expires_at, now),
        "state": state(found.state),
    }


def expires(stamp: str | None, now: float) -> Content:
    """What is left of a token; a dash for what does not end."""
    left = seconds_until(stamp, now)
    if left is None:
        return Content.styled(strings.NEVER, "$faint")
    return Content.styled(countdown(left), "$error" if left <= 0 else "$muted")


def state(name: str) -> Content:
    """Glyph and word."""
    glyph, word, tone = words.STATES.get(name, ("?", name, "error"))
    style = "" if tone == "success" else f"${tone}"
    return Content.assemble((f"{glyph} ", f"${tone} bold"), plain(word, style, 20))


def describe_credential(found: CredentialInfo, now: float, width: int = 0) -> Content:
    """The detail pane's text, for lines of `width` cells (0: no matter)."""
    used = ", ".join(found.used_by) or strings.USED_BY_NONE
    lines = [
        plain(found.key, "bold") + Content("  ") + state(found.state),
        field(strings.USED_BY, used, "" if found.used_by else "$muted", width),
        field(strings.TYPE, found.type),
        field(strings.LAST_USED, in_past(found.last_used_at, now)),
        *(_tokens(found, now, width) if found.type == "oauth" else []),
        *(_command(found, now, width) if found.type == "command" else []),
        field(strings.VERSION, str(found.version or strings.NEVER)),
        field(strings.CHANGED, when(found.updated_at)),
        field(strings.CREATED, when(found.created_at)),
        Content(""),
        Content.styled(_HINTS.get(found.type, strings.VALUE_HIDDEN), "$muted"),
    ]
    return Content("\n").join(lines)


def in_past(stamp: str, now: float) -> str:
    """`2 min ago, 2026-11-22 02:35:05`; a dash for never."""
    return f"{ago(stamp, now)}, {when(stamp)}" if stamp else strings.NEVER


def _command(found: CredentialInfo, now: float, width: int) -> list[Content]:
    lines = [
        Content(""),
        heading(command_words.COMMAND),
        *hang(Content("  "), shlex.join(found.command), width or _UNBOUND),
        field(command_words.LAST_RUN, ago(found.last_refresh_at, now)),
    ]
    return [*lines, *_error(found, width), Content("")]


def _tokens(found: CredentialInfo, now: float, width: int) -> list[Content]:
    lines = [
        Content(""),
        heading(words.TOKENS),
        *_error(found, width),
        field(account_words.EXPIRES, in_words(found.expires_at, now)),
        field(account_words.NEXT_REFRESH, in_words(found.next_refresh_at, now)),
        field(account_words.LAST_REFRESH, ago(found.last_refresh_at, now)),
        field(account_words.REFRESHES, str(found.refresh_count)),
    ]
    return [*lines, Content("")]


def _error(found: CredentialInfo, width: int) -> list[Content]:
    if not found.last_error:
        return []
    return [field(account_words.LAST_ERROR, found.last_error, "$error", width)]
