"""The client's side of a request: what it is answered with when the upstream isn't what answers.

The client gets exactly one of: the upstream's response, the proxy's own answer, or a broken
connection when a response was under way.
"""

import logging
import traceback
from time import monotonic

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ingress
from proxy_core.domain.gateway import is_anthropic
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.mitm.answers import render_answer, render_last_hop, render_local_answer
from proxy_core.mitm.asked import Asked
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail
from proxy_core.mitm.upload import Upload

logger = logging.getLogger(__name__)

_HOW_TO_RENEW = "Sign in anew (`vault-tui auth login`, or /login), or ask an operator for a token."
_HOW_TO_AUTHENTICATE = "Send an agent's token as Authorization: Bearer, or as x-api-key."


class Answering:
    """One request of one client connection, as far as the client is concerned."""

    __slots__ = ("_answering", "_asked", "_begun_upload", "_client", "_head", "_hub", "trail")

    def __init__(self, hub: Hub, client: Stream, asked: Asked, ingress: Ingress) -> None:
        self._hub = hub
        self._client = client
        self._asked = asked
        self._head = asked.head
        self._begun_upload: Upload | None = None
        self._answering = False
        self.trail = Trail(monotonic(), ingress, asked.method)

    @property
    def body_pending(self) -> bool:
        """The client may still be sending the request's body."""
        return not self._upload.complete

    @property
    def _upload(self) -> Upload:
        """Made when it is needed: most requests have no body."""
        if self._begun_upload is None:
            self._begun_upload = Upload(self._client, self._head.framing)
        return self._begun_upload

    def _may_keep_alive(self) -> bool:
        return (
            self._head.keep_alive
            and self._upload.complete
            and not self._client.at_eof
            and not self._hub.stopping
        )

    async def _write(self, data: bytes | memoryview) -> None:
        await self._client.write(data, self._hub.config.body_idle)

    async def _answer_last_hop(self) -> bool:
        close = not self._may_keep_alive()
        self.trail.status = 204
        await self._write(render_last_hop(close=close))
        return not close

    async def _answer_locally(self, answer: LocalAnswer) -> bool:
        """Pass on the vault's own answer; whether the connection can go on."""
        trail, head = self.trail, self._head
        trail.answered_locally(answer)
        trail.bytes_up = head.framing.length
        close = not head.keep_alive or self._client.at_eof or self._hub.stopping
        self._answering = True
        bodiless = head.method == b"HEAD"
        await self._write(render_local_answer(answer, bodiless=bodiless, close=close))
        return not close

    # --- failures -----------------------------------------------------------------------------

    async def _answer_failure(self, error: Exception) -> bool:
        """Tell the client what has come in between; whether the connection can go on."""
        try:
            if isinstance(error, VaultError):
                return await self._refuse(error)
            if isinstance(error, StreamError):
                if error.stream is self._client:
                    return self._client_left(error)
                return await self._refuse(self._broken(error))
            # A fault of ours must not reach further than this request.
            self._log(error)
            detail = f"unexpected failure {self.trail.request_id}"
            return await self._refuse(VaultError("internal", detail))
        except StreamError:
            return False

    async def _refuse(self, error: VaultError) -> bool:
        """Answer `error`, or break the connection when another answer has begun already."""
        trail = self.trail
        at_gateway = trail.ingress == Ingress.GATEWAY
        if at_gateway and error.code == "proxy_auth_required":
            told = f"{error.detail} {_HOW_TO_RENEW}" if error.detail else _HOW_TO_AUTHENTICATE
            error = VaultError("unauthorized", told)
        trail.error_code = error.code
        if not trail.outcome:
            trail.outcome = "denied" if error.status < 500 else "failed"
            trail.reason = str(error)
        if self._answering:
            self._client.abort()
            return False
        trail.status = error.status
        close = not self._drained() or not self._may_keep_alive() or error.code == "internal"
        bodiless = self._head.method == b"HEAD"
        host = trail.route.origin.host if trail.route else ""
        request_id = trail.request_id if at_gateway or is_anthropic(host) else ""
        await self._write(
            render_answer(error, request_id=request_id, bodiless=bodiless, close=close)
        )
        return not close

    def _drained(self) -> bool:
        """Skip a body that has arrived whole; any other makes the connection unusable."""
        try:
            self._upload.open(self._hub.config)
            self._upload.first()
        except VaultError:
            return False
        return self._upload.complete

    def _broken(self, error: StreamError) -> VaultError:
        if error.reason == "timeout":
            return VaultError("upstream_timeout", "the upstream stopped moving")
        code = "upstream_protocol" if self._answering else "upstream_unreachable"
        return VaultError(code, "the upstream broke the connection")

    def _client_left(self, error: StreamError) -> bool:
        self.trail.reason = f"client {'idle' if error.reason == 'timeout' else 'left'}"
        self._client.abort()
        return False

    def _log(self, error: Exception) -> None:
        """Where it happened, without values: an exception's text could hold some."""
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("failure %s: %s\n%s", self.trail.request_id, type(error).__name__, frames)
