"""Which events are told to webhooks, and what is said of them.

Rules
- Only the fields that are listed here leave; a new field of an event stays inside until it is.
- All of it passes `display_safe`: agents choose their names, paths and services.
- A held request's query stays inside: it may hold what nobody knows to be secret.
- So does the code of a device that asks to sign in: whoever approves it has to read it from the
  device's screen, not from a chat where a stranger's looks the same. What the device calls itself
  is cut down to a program's name: it could be a sentence with the code of another request.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from proxy_core.base.clock import rfc3339
from proxy_core.base.text import display_safe
from proxy_core.domain.claude_gateway import CODE_LETTERS
from proxy_core.domain.events import EventType

TEST: Final = "webhook.test"
"""The type of the notice that an operator sends to try a webhook."""

_TIMES: Final = frozenset(("retry_at", "until"))
"""Fields in epoch seconds, which are told as RFC 3339."""
MAX_TEXT: Final = 300
MAX_NAMES: Final = 20
_MAX_PROGRAM: Final = 40
_CODE: Final = re.compile(rf"[{CODE_LETTERS}]{{4}}[^A-Z0-9]?[{CODE_LETTERS}]{{4}}")

Data = Mapping[str, Any]

_PROPOSAL = ("id", "agent", "services", "credentials", "by")
_LOGIN = ("name", "credential_key", "account", "error", "serving")
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    EventType.PROPOSAL_CREATED: _PROPOSAL,
    EventType.PROPOSAL_APPLIED: _PROPOSAL,
    EventType.PROPOSAL_REJECTED: _PROPOSAL,
    EventType.PROPOSAL_EXPIRED: _PROPOSAL,
    EventType.REQUEST_HELD: ("id", "agent", "service", "method", "url", "reason", "expires_at"),
    EventType.REFRESH_FAILED: (*_LOGIN, "failures", "retry_at"),
    EventType.REFRESH_RECONNECT: (*_LOGIN, "remedy"),
    EventType.ACCOUNT_EXHAUSTED: ("name", "reason", "until"),
    EventType.DEVICE_REQUESTED: ("name", "address"),
    EventType.SOURCE_FAILED: ("error",),
    EventType.WORKER_SEALED: ("by",),
    EventType.WORKER_PROBLEM: ("problem",),
}
KINDS: Final = tuple(str(kind.value) for kind in EventType if kind in _FIELDS)
"""The types of events that can be told."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON body of a webhook, field by field.

    `id` is new for each notice and the same for each try to deliver it. `at` is RFC 3339. `vault`
    and `url` may be empty; `url` is where a person decides. `data` depends on `type`.
    """

    id: str
    type: str
    at: str
    vault: str
    summary: str
    url: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)


def notice_of(id: str, type: str, at: float, data: Data, approvals: str = "") -> Notice:
    """What is told of an event of one of the `KINDS`. `at` is epoch seconds.

    `approvals` is the address below which proposals have their pages, such as
    `http://127.0.0.1:14321/approve`.
    """
    told = notice_data(type, data)
    asks = type == EventType.PROPOSAL_CREATED and bool(approvals)
    return Notice(
        id=id,
        type=type,
        at=rfc3339(at),
        vault=_safe(data.get("vault") or ""),
        summary=_SUMMARIES[type](_Words({**told, "vault": _safe(data.get("vault") or "")})),
        url=f"{approvals}/{int(data['id'])}?{_place(data)}" if asks else "",
        data=told,
    )


def _place(data: Data) -> str:
    """Names the vault, whose people may then decide. No token: a notice is read by many."""
    return urlencode({"vault": str(data.get("vault") or "")})


def notice_data(type: str, data: Data) -> dict[str, Any]:
    """The fields that may leave, made safe to show."""
    told = {name: _shown(data[name]) for name in _FIELDS[type] if name in data}
    for name in _TIMES & told.keys():
        told[name] = rfc3339(told[name]) if isinstance(told[name], int | float) else None
    if type == EventType.REQUEST_HELD and "url" in told:
        path, mark, _ = str(told["url"]).partition("?")
        told["url"] = f"{path}?…" if mark else path
    if type == EventType.DEVICE_REQUESTED and "name" in told:
        told["name"] = _program(str(told["name"]))
    return told


def _program(client: str) -> str:
    """The first product of a User-Agent (RFC 9110 10.1.5); empty where it might hold a code."""
    name = client.partition(" ")[0][:_MAX_PROGRAM]
    return "" if _CODE.search(name.upper()) else name


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_safe(item) for item in value[:MAX_NAMES]]
    return _safe(value)


def _safe(value: Any) -> str:
    return display_safe(str(value), MAX_TEXT)


class _Words(dict[str, Any]):
    """Fields as words of a sentence; what is missing or empty reads as unknown."""

    def __missing__(self, _: str) -> str:
        return "unknown"

    def named(self, name: str) -> str:
        """One field; names of a list are joined."""
        value = self[name]
        if isinstance(value, list):
            return ", ".join(value) or "none"
        return str(value) if value not in ("", None) else "unknown"


def _proposal(what: str) -> Callable[[_Words], str]:
    def sentence(words: _Words) -> str:
        return (
            f"Proposal {words.named('id')} of {words.named('agent')} for vault "
            f"{words.named('vault')} {what.format(by=words.named('by'))}. "
            f"Services: {words.named('services')}. Credentials: {words.named('credentials')}."
        )

    return sentence


def _held(words: _Words) -> str:
    return (
        f"{words.named('agent')} waits for an answer in vault {words.named('vault')}: "
        f"{words.named('method')} {words.named('url')}"
    )


def _failed(words: _Words) -> str:
    serving = "its token still serves" if words.get("serving") else "no token serves any more"
    return f"Refreshing {_login(words)} failed; {serving}. Reason: {words.named('error')}"


def _reconnect(words: _Words) -> str:
    return (
        f"{_login(words)} has to be connected anew. Reason: {words.named('error')}. "
        f"Remedy: {words.named('remedy')}"
    )


def _login(words: _Words) -> str:
    return f"{words.named('name')} of vault {words.named('vault')}"


def _exhausted(words: _Words) -> str:
    return (
        f"Account {words.named('name')} of vault {words.named('vault')} has used up its quota. "
        f"Reason: {words.named('reason')}"
    )


def _device(words: _Words) -> str:
    return (
        f"{words.named('name')} at {words.named('address')} asks to sign in to the gateway. "
        "Approve it, with the code that its screen shows, only if you know whose it is."
    )


def _source(words: _Words) -> str:
    return (
        f"The external store of vault {words.named('vault')} can't be read; what it held last "
        f"serves. Reason: {words.named('error')}"
    )


_SUMMARIES: Final[Mapping[str, Callable[[_Words], str]]] = {
    EventType.PROPOSAL_CREATED: _proposal("waits for an operator"),
    EventType.PROPOSAL_APPLIED: _proposal("was approved by {by}"),
    EventType.PROPOSAL_REJECTED: _proposal("was rejected by {by}"),
    EventType.PROPOSAL_EXPIRED: _proposal("has expired"),
    EventType.REQUEST_HELD: _held,
    EventType.REFRESH_FAILED: _failed,
    EventType.REFRESH_RECONNECT: _reconnect,
    EventType.ACCOUNT_EXHAUSTED: _exhausted,
    EventType.DEVICE_REQUESTED: _device,
    EventType.SOURCE_FAILED: _source,
    EventType.WORKER_SEALED: lambda words: f"The vault was sealed by {words.named('by')}.",
    EventType.WORKER_PROBLEM: lambda words: f"The worker has a problem: {words.named('problem')}",
}
