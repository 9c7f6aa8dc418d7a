"""Waiting for a person to confirm a device code, at the provider's pace (RFC 8628 3.5)."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.device import LONGEST_INTERVAL, SLOW_DOWN_SECONDS, DeviceStart
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.oauth.endpoint import TokenEndpoint


async def await_device(
    endpoint: TokenEndpoint,
    client: OAuthClient,
    secret: bytes | None,
    start: DeviceStart,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> TokenSet:
    """Poll until the person has answered; cancel it to give up.

    Raises TokenError, final: `access_denied`, `expired_token`, or another refusal.
    """
    interval = start.interval
    while (now := clock()) < start.expires_at:
        await sleep(min(interval, start.expires_at - now))
        try:
            return await endpoint.poll_device(client, secret, start.device_code)
        except TokenError as error:
            if error.final:
                raise
            interval = _slower(interval, error)
    detail = "nobody confirmed the code in time"
    raise TokenError(final=True, code="expired_token", detail=detail)


def _slower(interval: float, error: TokenError) -> float:
    """The interval from now on: it grows when asked to, and doubles where nobody answers."""
    if error.code == "authorization_pending":
        return interval
    if error.code == "slow_down":
        return interval + SLOW_DOWN_SECONDS
    doubled = min(interval * 2, max(interval, LONGEST_INTERVAL))
    return max(doubled, error.retry_after or 0.0)
