"""A person signs in: in a browser, whose callback arrives by itself or is pasted, or by a code."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.callbacks import Callback, parse_callback
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.device import LONGEST_INTERVAL, SLOW_DOWN_SECONDS, DeviceStart
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.oauth.authorization import AuthorizationRequest, authorization_request
from proxy_core.oauth.loopback import LoopbackReceiver
from proxy_core.tokens.issuer import Answer, Issuer


class Arrival:
    """Listens for a callback on loopback, in a thread of its own, while the context is open.

    `request` is the login's; `descriptor` can be read once it is over. Raises VaultError on entry:
    bad_request (no authorization endpoint), port_in_use.
    """

    request: AuthorizationRequest

    def __init__(self, client: OAuthClient) -> None:
        self._client = client
        self._begun: Future[AuthorizationRequest] = Future()
        self._result: Future[Callback] = Future()
        self._loop = asyncio.new_event_loop()
        self.descriptor, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Arrival":
        self._thread.start()
        try:
            self.request = self._begun.result()
        except BaseException:
            os.close(self.descriptor)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(RuntimeError):  # it is over already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        os.close(self.descriptor)

    def result(self) -> Callback:
        """The callback; waits for it. Raises TokenError: refused, or nobody signed in in time."""
        return self._result.result()

    def pasted(self, text: str) -> Callback:
        """What a person pasted. Raises VaultError bad_request, TokenError (refused)."""
        callback = parse_callback(text)
        if callback.state and callback.state != self.request.state:
            detail = "That belongs to another login: its state is not ours."
            raise VaultError("bad_request", detail)
        return callback

    def _listen(self) -> None:
        try:
            self._task = self._loop.create_task(self._wait())
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            self._loop.close()
            os.close(self._writer)

    async def _wait(self) -> None:
        try:
            async with LoopbackReceiver(self._client) as receiver:
                request = authorization_request(self._client, receiver.redirect_uri)
                self._begun.set_result(request)
                self._result.set_result(await receiver.wait(request.state))
        except Exception as error:  # whatever it is: somebody waits for it
            (self._result if self._begun.done() else self._begun).set_exception(error)


def tokens_for(issuer: Issuer, client: OAuthClient, arrival: Arrival, callback: Callback) -> Answer:
    """The tokens of a login that was agreed to. Raises TokenError, VaultError bad_request."""
    if callback.issuer and callback.issuer != client.issuer:  # RFC 9207 2.4
        raise VaultError("bad_request", "That answer comes from another issuer.")
    request = arrival.request
    return issuer.exchange(client, callback.code, request.redirect_uri, request.verifier)


def await_device(
    issuer: Issuer,
    client: OAuthClient,
    start: DeviceStart,
    sleep: Callable[[float], object] = time.sleep,
) -> Answer:
    """Ask until the person has confirmed the code, at the issuer's pace (RFC 8628 3.5).

    Raises TokenError, final: `access_denied`, `expired_token`, or another refusal.
    """
    interval = start.interval
    while (left := start.expires_at - time.time()) > 0:
        sleep(min(interval, left))
        try:
            return issuer.poll_device(client, start.device_code)
        except TokenError as error:
            if error.final:
                raise
            if error.code == "slow_down":
                interval += SLOW_DOWN_SECONDS
            elif error.code != "authorization_pending":
                interval = max(min(interval * 2, LONGEST_INTERVAL), error.retry_after or 0.0)
    raise TokenError(True, "expired_token", "nobody confirmed the code in time")
