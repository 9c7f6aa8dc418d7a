"""One request head and what follows from it alone.

Clients that keep a connection repeat themselves: the same head, byte for byte, asks for the same
thing. What was worked out for it is therefore kept until the connection sends another head. None of
it is a decision, and none of it holds an injected value: each request is decided and decrypted for
afresh, and only put together from what is kept here.
"""

from typing import Final, NamedTuple

from proxy_core.domain.exchange import Access, Decision, Injection, RequestFacts
from proxy_core.domain.target import check_path
from proxy_core.domain.traffic import RequestRecord, RequestStart
from proxy_core.mitm.config import KIB
from proxy_core.mitm.http1 import (
    FramingKind,
    Limits,
    RequestHead,
    RequestOutline,
    Target,
    TargetForm,
    outline_request,
    render_request,
    split_target,
)
from proxy_core.mitm.route import Route
from proxy_core.mitm.scrub.fields import readable_request

SMALL_BODY: Final = 64 * KIB
"""A body of up to this size may come together with its head."""


class Precedent(NamedTuple):
    """How a request that was asked, decided and injected alike was sent, told and recorded."""

    decision: Decision
    outline: RequestOutline
    start: RequestStart
    record: RequestRecord


class Asked:
    """`path` is the target's without the query, as policy and the log see it.

    `plain`: nothing in the head asks for more than a request and a response with their bodies.
    `repeated`: it came more than once. `route` is where it goes, once that was found; `limits` are
    those that it was read with; `access` is who asks, where that was found out before.
    """

    __slots__ = (
        "_facts",
        "_readable",
        "access",
        "head",
        "limits",
        "method",
        "path",
        "plain",
        "precedent",
        "repeated",
        "route",
        "target",
    )

    def __init__(self, head: RequestHead, limits: Limits) -> None:
        self.head = head
        self.limits = limits
        self.repeated = False
        self.method = head.method.decode("ascii")
        self.target = split_target(head.method, head.target)
        self.path = self.target.path.decode("latin-1")
        self.plain = _is_plain(head)
        self.precedent: Precedent | None = None
        self.route: Route | None = None
        self.access: Access | None = None
        self._facts: RequestFacts | None = None
        self._readable: bool | None = None

    def lead_to(self, path: str) -> None:
        """Ask for another path, on the host that the route leads to; the query stays."""
        self.path = path
        form, query = TargetForm.ORIGIN, self.target.query
        self.target = Target(form, path=path.encode("latin-1"), query=query)

    def facts(self, route: Route) -> RequestFacts:
        """What is decided on. Raises VaultError bad_request for a path with two meanings."""
        if self._facts is None:
            check_path(self.path)
            self._facts = self._facts_on(route)
        return self._facts

    @property
    def readable(self) -> bool:
        """It asks for nothing that could not be scrubbed, and so goes on as it is."""
        if self._readable is None:
            self._readable = readable_request(self.head).headers == self.head.headers
        return self._readable

    def follows(self, decision: Decision, injection: Injection) -> Precedent | None:
        """The precedent, if it is one for this decision and injection."""
        known = self.precedent
        if known is None or known.decision is not decision:
            return None
        return known if known.outline.fits(injection.headers) else None

    def rendered(self, route: Route, injection: Injection, precedent: Precedent | None) -> bytes:
        """The head to send, for an injection of header fields alone.

        Raises ProtocolError: substitution_invalid.
        """
        if precedent is not None:
            return precedent.outline.fill(injection.headers)
        return render_request(self.head, self.target.origin_form, route.host_field, injection)

    def set_precedent(
        self,
        route: Route,
        decision: Decision,
        injection: Injection,
        start: RequestStart,
        record: RequestRecord,
    ) -> None:
        """Let further requests that are asked and decided alike follow this one."""
        names = [name for name, _ in injection.headers]
        target = self.target.origin_form
        outline = outline_request(self.head, target, route.host_field, names, injection.dropped)
        if outline is not None:
            self.precedent = Precedent(decision, outline, start, record)

    def _facts_on(self, route: Route) -> RequestFacts:
        origin = route.origin
        return RequestFacts(
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            method=self.method,
            path=self.path,
            query=(self.target.query or b"").decode("latin-1"),
            ingress=route.ingress,
        )


def _is_plain(head: RequestHead) -> bool:
    return (
        head.minor == 1
        and head.keep_alive
        and head.websocket_key is None
        and head.max_forwards is None
        and not head.expect_continue
        and head.method != b"HEAD"
        and head.framing.kind is not FramingKind.CHUNKED
        and head.framing.length <= SMALL_BODY
    )
