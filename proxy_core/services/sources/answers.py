"""What the readers of all stores share: requests through the network guard, answers as objects."""

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from proxy_core.domain.oauth import TokenError
from proxy_core.oauth.http import Reply


class SourceError(Exception):
    """The store could not be read. The text may be shown; nothing of the store is in it."""


class Http(Protocol):
    """Single requests through the network guard: `oauth.http.GuardedHttp` is one."""

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Raises TokenError when there is no answer to use."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TokenError when there is no answer to use."""


async def sent(request: Awaitable[Reply]) -> Reply:
    """The answer, whatever its status. Raises SourceError when there is none."""
    try:
        return await request
    except TokenError as error:
        raise SourceError(f"The store can't be reached ({error.code}).") from None


def object_of(reply: Reply, what: str) -> dict[str, Any]:
    """The JSON object that answers the request for `what`. Raises SourceError."""
    if reply.status in (400, 401, 403):
        raise SourceError(f"The store refuses {what} ({reply.status}).")
    if reply.status == 404:
        raise SourceError("The store has no such secret.")
    if reply.status != 200:
        raise SourceError(f"The store answered {reply.status}.")
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SourceError("The store's answer can't be read.")
    return found


def fits_header(text: str) -> bool:
    """Whether a header can hold it: printable ASCII, no blank at either end (RFC 9110 5.5)."""
    return text.isascii() and text.isprintable() and text == text.strip()


def token_of(found: object, what: str) -> str:
    """What may be sent as a token, in a header. Raises SourceError."""
    if not isinstance(found, str) or not found or not fits_header(found):
        raise SourceError(f"The store's answer to {what} holds no token.")
    return found
