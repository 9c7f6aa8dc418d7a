"""Everything that is known of an account beside its quota windows, and why it was chosen."""

from collections.abc import Sequence
from itertools import zip_longest

from textual.content import Content

from proxy_core.base.clock import parse_rfc3339
from proxy_core.base.text import display_safe
from proxy_core.domain.wire import AccountChoice, AccountInfo, PoolChoices
from vault_tui.strings import accounts as words
from vault_tui.strings import common as strings
from vault_tui.traffic.reading import clock
from vault_tui.widgets.account_card import state
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

_SHOWN_CHOICES = 8
_TWO_COLUMNS, _COLUMN = 90, 50


def describe_account(
    account: AccountInfo, pools: Sequence[PoolChoices], now: float, width: int
) -> Content:
    """The detail pane's text, for `width` cells. `now` is epoch seconds."""
    name = plain(account.nickname or account.id, "bold")
    left = _account(account, now)
    right = [*_tokens(account, now), *_quota(account, now)]
    facts = _beside(left, right) if width >= _TWO_COLUMNS else [*left, Content(""), *right]
    lines = [name, plain(account.email or strings.NEVER, "$muted"), Content(""), *facts]
    return Content("\n").join([*lines, *_choices(account, pools)])


def _beside(left: list[Content], right: list[Content]) -> list[Content]:
    """Two columns of lines."""
    pairs = zip_longest(left, right, fillvalue=Content(""))
    return [
        one.truncate(_COLUMN - 1, ellipsis=True).pad_right(
            max(_COLUMN - min(one.cell_length, _COLUMN - 1), 0)
        )
        + other
        for one, other in pairs
    ]


def _account(account: AccountInfo, now: float) -> list[Content]:
    return [
        heading(words.DETAIL_ACCOUNT),
        field(words.STATE, state(account, now)),
        *([field(strings.WHY, account.why)] if account.why else []),
        field(words.PROVIDER, account.provider),
        field(words.TIER, account.tier or strings.NEVER),
        field(words.PRIORITY, str(account.priority)),
        field(words.POOLS, ", ".join(account.pools) or words.NO_ACCOUNT),
        field(words.FLIGHT, str(account.in_flight)),
        field(words.LAST_USED, ago(account.last_used_at or "", now)),
        field(words.ADDED, when(account.created_at)),
    ]


def _tokens(account: AccountInfo, now: float) -> list[Content]:
    """An error first: it must not be below the edge of a small terminal."""
    error = account.last_error
    return [
        heading(words.DETAIL_TOKENS),
        *([field(words.LAST_ERROR, error, "$error")] if error else []),
        field(words.EXPIRES, in_words(account.expires_at, now)),
        field(words.NEXT_REFRESH, in_words(account.next_refresh_at, now)),
        field(words.LAST_REFRESH, ago(account.last_refresh_at or "", now)),
        field(words.REFRESHES, str(account.refresh_count)),
    ]


def _quota(account: AccountInfo, now: float) -> list[Content]:
    lines = [
        field(
            words.LIMITED.format(family=display_safe(family, 20)), in_words(until, now), "$warning"
        )
        for family, until in account.limited.items()
    ]
    if account.quota_asked_at:
        lines.append(field(words.QUOTA_ASKED, ago(account.quota_asked_at, now)))
    if account.quota_error:
        lines.append(field(words.QUOTA_ERROR, account.quota_error, "$error"))
    return [Content(""), heading(words.DETAIL_QUOTA), *lines] if lines else []


def _choices(account: AccountInfo, pools: Sequence[PoolChoices]) -> list[Content]:
    lines: list[Content] = []
    for pool in pools:
        if pool.key not in account.pools:
            continue
        lines += [Content(""), plain(f"{pool.key}: {words.DETAIL_SWITCHES}", "$accent bold")]
        lines += [choice_line(choice) for choice in pool.latest[:_SHOWN_CHOICES]] or [
            Content.styled(words.SWITCHES_NONE, "$muted")
        ]
    return lines


def choice_line(choice: AccountChoice) -> Content:
    """`14:03:12 spare after work: the reason`."""
    try:
        at = clock(parse_rfc3339(choice.at))
    except ValueError:
        at = strings.NEVER
    moved = words.SWITCH.format(account=choice.account, former=choice.former)
    return Content.assemble(
        (f"{at} ", "$muted"),
        plain(moved if choice.former else choice.account, "bold"),
        plain(f": {choice.reason}", "$muted"),
    )


def in_words(stamp: str | None, now: float) -> str:
    """`in 14:03 (12:30:00)`; a dash without a time."""
    left = seconds_until(stamp, now)
    if left is None:
        return strings.NEVER
    if left <= 0:
        return words.OVERDUE
    return f"{words.IN.format(left=countdown(left))}  {clock(now + left)}"
