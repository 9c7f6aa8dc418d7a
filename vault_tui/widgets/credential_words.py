"""A credential as a row and in detail: never its value."""

import shlex

from textual.content import Content

from proxy_core.domain.wire import CredentialInfo
from vault_tui import strings
from vault_tui import strings_accounts as account_words
from vault_tui import strings_commands as command_words
from vault_tui import strings_oauth as words
from vault_tui.widgets.account_detail import in_words
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

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


def describe_credential(found: CredentialInfo, now: float) -> Content:
    """The detail pane's text."""
    used = [plain(f"  {name}") for name in found.used_by]
    unused = [Content.styled(f"  {strings.USED_BY_NONE}", "$muted")]
    lines = [
        plain(found.key, "bold"),
        state(found.state),
        *(_tokens(found, now) if found.type == "oauth" else []),
        *(_command(found, now) if found.type == "command" else []),
        Content(""),
        field(strings.TYPE, found.type),
        field(strings.VERSION, str(found.version or strings.NEVER)),
        field(strings.CREATED, when(found.created_at)),
        field(strings.CHANGED, when(found.updated_at)),
        field(strings.LAST_USED, when(found.last_used_at)),
        Content(""),
        heading(strings.USED_BY),
        *(used or unused),
        Content(""),
        Content.styled(_HINTS.get(found.type, strings.VALUE_HIDDEN), "$muted"),
    ]
    return Content("\n").join(lines)


def _command(found: CredentialInfo, now: float) -> list[Content]:
    lines = [
        Content(""),
        heading(command_words.COMMAND),
        plain(f"  {shlex.join(found.command)}"),
        field(command_words.LAST_RUN, ago(found.last_refresh_at, now)),
    ]
    if found.last_error:
        lines.append(field(account_words.LAST_ERROR, found.last_error, "$error"))
    return lines


def _tokens(found: CredentialInfo, now: float) -> list[Content]:
    lines = [
        Content(""),
        heading(words.TOKENS),
        field(account_words.EXPIRES, in_words(found.expires_at, now)),
        field(account_words.NEXT_REFRESH, in_words(found.next_refresh_at, now)),
        field(account_words.LAST_REFRESH, ago(found.last_refresh_at, now)),
        field(account_words.REFRESHES, str(found.refresh_count)),
    ]
    if found.last_error:
        lines.append(field(account_words.LAST_ERROR, found.last_error, "$error"))
    return lines
