"""One request to a provider, with everything that bounds it."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy_core.oauth.network import Resolve

MAX_REPLY = 1 << 20
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class GuardedHttp:
    """Sends single requests to https URLs whose addresses the guard lets through.

    `ssl_context` is called once, at the first request. `allow_http_loopback` lets http URLs pass
    whose host is a loopback address or localhost; the guard has its say on them all the same.
    """

    def __init__(
        self,
        resolve: Resolve,
        ssl_context: Callable[[], ssl.SSLContext],
        *,
        allow_http_loopback: bool = False,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        raise NotImplementedError

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Raises TokenError, never final, when there is no answer to use."""
        raise NotImplementedError

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises TokenError, never final, when there is no answer to use."""
        raise NotImplementedError
