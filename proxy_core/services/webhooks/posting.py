"""One try to deliver a notice, and what came of it. No word of it holds the address.

Fields of the request
- `X-Vault-Tui-Signature`, see `domain.notices.signature`
- `X-Vault-Tui-Delivery`, the notice's id: the same for each try, so that none counts twice
- `X-Vault-Tui-Event`, the notice's type
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from proxy_core.domain.notices import Format, Notice, body_of, is_passing, signature
from proxy_core.domain.oauth import TokenError
from proxy_core.domain.oauth.failures import retry_after_seconds
from proxy_core.oauth.http import Reply
from proxy_core.services.webhooks.webhook import Address

GONE: Final = 410
_WHY: Final = {
    "address_blocked": "the address is one that webhooks may not lead to",
    "unreachable": "the receiver can't be reached, or cut the connection",
    "timeout": "the receiver did not answer in time",
    "tls": "the receiver's certificate or TLS is not acceptable",
    "redirect_refused": "the receiver redirects elsewhere, which is not followed",
    "http_refused": "the address must begin with https://",
}


class Post(Protocol):
    """Sends one request through the network guard: `oauth.http.GuardedHttp.post` is one."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TokenError when there is no answer to use."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` is empty when the receiver took it. `status` is 0 without an answer.

    `final`: nothing was sent, and nothing would be another time.
    """

    status: int
    error: str = ""
    retry_after: float | None = None
    final: bool = False

    @property
    def may_pass(self) -> bool:
        """Whether another try may help."""
        return bool(self.error) and not self.final and is_passing(self.status)


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A notice, written, addressed and signed."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def envelope(notice: Notice, format: Format, address: Address, now: float) -> Envelope:
    """What is sent at `now` (epoch seconds)."""
    body = body_of(notice, format)
    headers = {
        "content-type": "application/json",
        "x-vault-tui-delivery": notice.id,
        "x-vault-tui-event": notice.type,
        "x-vault-tui-signature": signature(address.secrets, int(now), body),
    }
    return Envelope(address.url, headers, body)


async def deliver(post: Post, letter: Envelope, now: float) -> Outcome:
    """Send it once."""
    try:
        reply = await post(letter.url, letter.headers, letter.body)
    except TokenError as error:
        if 200 <= error.status < 300:  # taken; only what it said to that was of no use
            return Outcome(error.status)
        return Outcome(error.status, _WHY.get(error.code, "the receiver's answer is of no use"))
    if 200 <= reply.status < 300:
        return Outcome(reply.status)
    wait = retry_after_seconds(reply.headers, now)
    return Outcome(reply.status, f"the receiver answered {reply.status}", wait)
