"""One request on its way upstream with a credential, and again with another one.

A response of 400 or more may mean that the credential has expired or is used up, and so may a
stream that begins with an error. If the decision allows for that, the broker is asked, and may
answer with another decision: then the request is sent again, whatever its method, ATTEMPTS times
at most. Whether the upstream has refused to act on it, so that this is safe, is the broker's to
say; 401 and 429 mean that, most of 5xx don't. It is possible while all of the body is held and
nothing of the response has reached the client, interim (1xx) ones apart. What can't be sent again
is passed on as it came.
"""

from collections.abc import Awaitable, Callable

from msgspec import structs

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    NO_DETAILS,
    NO_INJECTION,
    Decision,
    Injection,
    ResponseFacts,
    Scrub,
)
from proxy_core.domain.signing import Signer
from proxy_core.mitm.asking import Asking, Sent
from proxy_core.mitm.delivery import is_stream, without_quota
from proxy_core.mitm.first_event import first_error, short_body
from proxy_core.mitm.gathering import Gathered
from proxy_core.mitm.http1 import (
    Framing,
    ProtocolError,
    RequestHead,
    ResponseHead,
    Side,
    Target,
    body_reader,
    injected_names,
    render_request,
    without_digests,
)
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.memory import Share
from proxy_core.mitm.peeking import request_details
from proxy_core.mitm.pool import Upstream
from proxy_core.mitm.rewrite import in_body, in_frames, onward_head, onward_target
from proxy_core.mitm.route import Route
from proxy_core.mitm.scrub.fields import readable_request
from proxy_core.mitm.signing import SignedRequest, needs_body, signed
from proxy_core.mitm.streams import Stream
from proxy_core.mitm.trail import Trail
from proxy_core.mitm.upload import Upload
from proxy_core.mitm.websocket_frames import ClientFrames

OnInterim = Callable[[ResponseHead], Awaitable[None]]

ATTEMPTS = 4
"""How often one request is sent at most, each time with another credential."""
_OVERLOADED = 529


class Forwarding:
    """`asking` is the request's way upstream; it has a connection while one is in use."""

    def __init__(
        self,
        hub: Hub,
        route: Route,
        head: RequestHead,
        target: Target,
        upload: Upload,
        trail: Trail,
    ) -> None:
        self._hub = hub
        self._route = route
        self._head = head
        self._target = target
        self._upload = upload
        self._trail = trail
        self._decision: Decision | None = None
        self._injection = NO_INJECTION
        self._details = NO_DETAILS
        self._gathered: Gathered | None = None
        self.asking = Asking(hub, route.origin, head, upload, trail)

    async def inject(self, client: Stream, decision: Decision) -> Injection:
        """Ask the broker for the secrets; what it lends is given back at the end.

        Raises VaultError as `Broker.inject` does; StreamError.
        """
        self._details = await request_details(client, self._head, self._hub, decision)
        injection = await self._hub.broker.inject(decision, self._details)
        self.adopt(decision, injection)
        return injection

    def adopt(self, decision: Decision, injection: Injection) -> None:
        """Go on with secrets that the broker has given already."""
        self._decision, self._injection = decision, injection

    async def prepare(self, client: Stream) -> bytes:
        """The head to send. The body is read before where placeholders in it are to be replaced.

        Raises VaultError: substitution_invalid, request_too_large, headers_too_large,
        signing_failed, …;
        StreamError.
        """
        hub, head, upload, injection = self._hub, self._head, self._upload, self._injection
        config, decision = hub.config, self._decision
        reconsiders = decision is not None and decision.reconsiders
        origin_form = onward_target(self._target, injection.substitutions)
        placeholders = in_body(head, injection)
        signs = needs_body(head, origin_form, self._route, injection)
        if placeholders is None and not signs:
            upload.open(config, injected_names(injection), self._keep(reconsiders))
            upload.first()
            # Whoever has sent some of the body waits for no permission any more.
            return self._render(origin_form, injection, None, forward_expect=not upload.size)
        upload.open(config, unwrap=True)
        self._gathered = Gathered(upload, config, hub.memory, reconsiders, signs)
        framing = await self._gathered.read(client, head, placeholders)
        return self._render(origin_form, injection, framing, forward_expect=False)

    def _keep(self, reconsiders: bool) -> Share | None:
        config, framing = self._hub.config, self._head.framing
        if not reconsiders or framing.length > config.replay_limit:
            return None
        return Share(self._hub.memory, config.replay_limit, config.body_memory)

    def _render(
        self, target: bytes, injection: Injection, framing: Framing | None, *, forward_expect: bool
    ) -> bytes:
        head = self._head
        if injection.substitutions:
            head = onward_head(head, injection.substitutions)
        if injection.scrub is not None:
            head = readable_request(head)
        if self._gathered is not None and self._gathered.changed:
            head = structs.replace(head, headers=without_digests(head.headers))
        if injection.signer is not None:
            unsigned = SignedRequest(head, target, injection, framing)
            head, target, injection, framing = self._signed(injection.signer, unsigned)
        return render_request(
            head,
            target,
            self._route.host_field,
            injection,
            framing=framing,
            forward_expect=forward_expect,
        )

    def _signed(self, signer: Signer, request: SignedRequest) -> SignedRequest:
        gathered = self._gathered
        if gathered is None:
            return signed(signer, request, self._route)
        return signed(signer, request, self._route, gathered.to_sign, gathered.become)

    async def ask(
        self, request: bytes, on_interim: OnInterim, sent: Sent | None = None
    ) -> tuple[Upstream, ResponseHead]:
        """Send what `prepare` has made, unless it was `sent` before, and again as the broker says.

        Raises as `Asking`, and what the broker wants answered instead of the response.
        """
        upstream, response = await self.asking.ask(request, on_interim, sent)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                other = await self._reconsidered(upstream, response)
            except VaultError:
                self._set_aside(upstream, response)
                raise
            again = None if other is None or attempt == ATTEMPTS else await self._again(other)
            if again is None:
                break
            self._set_aside(upstream, response)
            upstream, response = await self.asking.ask(again, on_interim)
        loan = self._injection.loan
        if loan is not None and loan.shared:
            response = without_quota(response)
        return upstream, response

    @property
    def scrub(self) -> Scrub | None:
        """What the response goes through; None: nothing."""
        return self._injection.scrub

    def client_frames(self) -> ClientFrames | None:
        """What looks into the frames of a WebSocket's client; None: they pass unread."""
        return in_frames(self._injection.substitutions)

    def forget(self) -> None:
        """The response is on its way to the client: the body isn't needed any more."""
        self._upload.forget()
        if self._gathered is not None:
            self._gathered.forget()

    def end(self) -> None:
        """Hold nothing any more, and break the connection off if one is still in use."""
        self.forget()
        self._give_back()
        if self.asking.upstream is not None:
            self.asking.upstream.stream.abort()

    # --- again ---------------------------------------------------------------------------------

    async def _reconsidered(self, upstream: Upstream, response: ResponseHead) -> Decision | None:
        """What the broker says to this response; None: it passes. Raises VaultError."""
        decision, loan, broker = self._decision, self._injection.loan, self._hub.broker
        if loan is not None:
            broker.observe(loan, response.status, response.headers)
        if decision is None or not decision.reconsiders:
            return None
        event = body = b""
        if response.status < 400:
            event = await self._first_error(decision, upstream, response)
            if not event:
                return None
        elif response.status < 500 and self._injection.signer and loan and self._repeatable:
            # What signs was lent: its refusal may stand in the body alone.
            body = await short_body(upstream.stream, response, self._hub.config)
        headers = tuple(response.headers)
        facts = ResponseFacts(response.status, headers, self._repeatable, event, body)
        return await broker.reconsider(decision, loan, facts)

    async def _first_error(
        self, decision: Decision, upstream: Upstream, response: ResponseHead
    ) -> bytes:
        """Data of the error that a stream begins with, where that can move the request."""
        service = decision.service
        if service is None or not decision.pooled or _OVERLOADED not in service.failover:
            return b""
        if not self._repeatable or not is_stream(response):
            return b""
        return await first_error(upstream.stream, response, self._hub.config)

    async def _again(self, other: Decision) -> bytes | None:
        """The head to send instead, with the upload stopped; None: the response passes."""
        if not self._repeatable:
            return None
        broker = self._hub.broker
        try:
            injection = await broker.inject(other, self._details)
        except VaultError:
            return None
        try:
            request = self._prepare_again(injection)
        except VaultError:
            request = None
        await self._upload.stop()
        if request is None or not self._repeatable:
            if injection.loan is not None:
                broker.returned(injection.loan)
            return None
        self._give_back()
        self._decision, self._injection = other, injection
        self._trail.sent_again(other, injection)
        return request

    def _give_back(self) -> None:
        """What was borrowed is not in use any more. Safe to call twice."""
        if (loan := self._injection.loan) is not None:
            self._injection = structs.replace(self._injection, loan=None)
            self._hub.broker.returned(loan)

    @property
    def _repeatable(self) -> bool:
        gathered = self._gathered
        return self._upload.repeatable and (gathered is None or gathered.repeatable)

    def _prepare_again(self, injection: Injection) -> bytes:
        """Raises VaultError as `prepare` does."""
        origin_form = onward_target(self._target, injection.substitutions)
        placeholders = in_body(self._head, injection)
        if self._gathered is None:
            if placeholders is not None:
                raise VaultError("substitution_invalid", "the body was not read for placeholders")
            # Whoever has sent some of the body waits for no permission any more.
            expect = not self._upload.size
            return self._render(origin_form, injection, None, forward_expect=expect)
        framing = self._gathered.again(placeholders)
        return self._render(origin_form, injection, framing, forward_expect=False)

    def _set_aside(self, upstream: Upstream, response: ResponseHead) -> None:
        """Keep the connection whose response nobody will read, if that has come whole."""
        self.asking.upstream = None
        stream = upstream.stream
        reader = body_reader(response.framing, side=Side.RESPONSE, limits=self._hub.config.limits)
        data = stream.take_out(len(stream.buffer))
        try:
            whole = reader.feed(data).consumed == len(data) and reader.complete
        except ProtocolError:
            whole = False
        if whole and response.keep_alive and self._upload.delivered:
            self._hub.pool.give(upstream, self._hub.config)
        else:
            stream.close()
