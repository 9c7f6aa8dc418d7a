"""An agent or a session as a row and in detail: never its token."""

from collections.abc import Sequence

from textual.content import Content

from proxy_core.base.text import display_safe
from proxy_core.domain.wire import AccountInfo, AgentInfo, AgentVault, SessionInfo
from vault_tui.strings import agents as words
from vault_tui.strings import common as strings
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

Holder = AgentInfo | SessionInfo
Cells = dict[str, Content]


def holder_name(found: Holder) -> str:
    """An agent's name, or a session's label."""
    return found.name if isinstance(found, AgentInfo) else found.label or found.id


def grants_of(found: Holder) -> list[AgentVault]:
    """What it may use; a session its one vault."""
    if isinstance(found, AgentInfo):
        return found.vaults
    return [AgentVault(vault_name=found.vault)]


def cells(found: Holder, accounts: Sequence[AccountInfo], now: float) -> Cells:
    """Cells by column id."""
    glyph, _, tone = words.STATES[_state(found)]
    seen = found.last_seen_at if isinstance(found, AgentInfo) else found.last_used_at
    account = account_name(found, accounts) if found.account_id else strings.NEVER
    return {
        "name": Content.assemble((f"{glyph} ", f"${tone}"), plain(holder_name(found), "bold")),
        "grants": _grants(found),
        "account": plain(account, "" if found.account_id else "$faint"),
        "created": Content.styled(ago(found.created_at, now), "$muted"),
        "expires": _expires(found, now),
        "seen": Content.styled(ago(seen, now), "$muted"),
        "open": _count(found.connections, 4),
        "today": _count(found.requests_today, 6),
    }


def describe_holder(found: Holder, accounts: Sequence[AccountInfo], now: float) -> Content:
    """The detail pane's text."""
    glyph, word, tone = words.STATES[_state(found)]
    seen = found.last_seen_at if isinstance(found, AgentInfo) else found.last_used_at
    account = account_name(found, accounts) if found.account_id else words.ANY_ACCOUNT
    lines = [
        plain(holder_name(found), "bold"),
        Content.assemble((f"{glyph} ", f"${tone} bold"), (word, f"${tone}")),
        field(words.OPEN, words.TUNNELS.format(count=found.connections)),
        field(words.TODAY, words.REQUESTS.format(count=found.requests_today)),
        Content(""),
        heading(words.DETAIL_GRANTS),
        *(_grant_lines(grants_of(found)) or [Content.styled(f"  {words.NO_GRANT}", "$muted")]),
        field(words.ACCOUNT, account),
        Content(""),
        heading(words.DETAIL_TOKEN),
        field(words.SEEN, ago(seen, now)),
        field(words.EXPIRES, _ends(found, now)),
        field(words.CREATED, when(found.created_at)),
    ]
    if isinstance(found, AgentInfo):
        lines.append(field(words.ROLE, found.role or strings.NEVER))
    else:
        lines.append(field(words.CREATED_BY, found.created_by or strings.NOBODY))
        lines.append(field(words.SESSION_ID, found.id))
    return Content("\n").join(lines)


def account_name(found: Holder, accounts: Sequence[AccountInfo]) -> str:
    """The account that it is pinned to, by name where that is known."""
    for account in accounts:
        if account.id == found.account_id:
            return account.nickname or account.email
    return words.GONE_ACCOUNT.format(id=found.account_id)


def grant_line(grant: AgentVault) -> Content:
    """`work  proxy  github, slack`."""
    services = ", ".join(grant.services) or words.ALL_SERVICES
    return Content.assemble(
        plain(f"{grant.vault_name}  ", "bold", 66),
        plain(f"{grant.vault_role}  ", "$primary", 20),
        plain(services, "$muted", 400),
    )


def _grant_lines(grants: Sequence[AgentVault]) -> list[Content]:
    return [Content("  ") + grant_line(grant) for grant in grants]


def _grants(found: Holder) -> Content:
    said = [
        words.SOME.format(vault=grant.vault_name, services=", ".join(grant.services))
        if grant.services
        else f"{grant.vault_name}:{grant.vault_role}"
        for grant in grants_of(found)
    ]
    return plain(", ".join(said)) if said else Content.styled(words.NO_GRANT, "$warning")


def _state(found: Holder) -> str:
    if isinstance(found, SessionInfo):
        return "session"
    return "active" if found.status == "active" else "expired"


def _expires(found: Holder, now: float) -> Content:
    left = seconds_until(found.expires_at, now)
    if left is None:
        return Content.styled(strings.NEVER, "$faint")
    if left <= 0:
        return Content.styled(words.EXPIRED, "$error")
    return Content.styled(countdown(left), "$warning" if left < 3600 else "$muted")


def _ends(found: Holder, now: float) -> str:
    left = seconds_until(found.expires_at, now)
    if left is None or found.expires_at is None:
        return words.NO_END
    if left <= 0:
        return words.EXPIRED
    return words.ENDS.format(left=countdown(left), when=display_safe(when(found.expires_at)))


def _count(number: int, width: int) -> Content:
    return Content.styled(f"{number:>{width}}", "" if number else "$faint")
