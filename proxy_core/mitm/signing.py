"""A request that is signed: what its signer sees, and what of the signature goes where.

The signature covers what is sent, so it is made last, and anew for each attempt: placeholders in
the head are replaced here, since nobody may touch it afterwards.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import structs

from proxy_core.domain.exchange import Injection
from proxy_core.domain.signing import Signer, Unsigned, WholeBody
from proxy_core.mitm.http1 import Framing, RequestHead, substituted_fields
from proxy_core.mitm.http1.fields import fold
from proxy_core.mitm.route import Route

BodyReplaced = Callable[[bytes], Framing]
"""Sends another body in place of the one that was read; how it is framed."""


class SignedRequest(NamedTuple):
    """What is to be rendered, with nothing left to replace."""

    head: RequestHead
    target: bytes
    injection: Injection
    framing: Framing | None


def needs_body(head: RequestHead, target: bytes, route: Route, injection: Injection) -> bool:
    """Whether the body has to be read before the request can be signed.

    Raises VaultError: signing_failed, substitution_invalid.
    """
    signer = injection.signer
    if signer is None or not head.framing.has_body:
        return False
    return signer.reads_body(_unsigned(_settled(head, injection), target, route))


def signed(
    signer: Signer,
    request: SignedRequest,
    route: Route,
    body: WholeBody | None = None,
    replaced: BodyReplaced | None = None,
) -> SignedRequest:
    """`request` with its signature, whose `body` was read if that was needed.

    Raises VaultError: signing_failed, substitution_invalid, bad_request.
    """
    head = _settled(request.head, request.injection)
    made = signer.sign(_unsigned(head, request.target, route), body)
    kept = [field for field in head.headers if fold(field[0]) not in made.dropped]
    injection = request.injection
    return SignedRequest(
        structs.replace(head, headers=kept),
        made.target,
        structs.replace(injection, headers=injection.headers + made.fields, substitutions=()),
        request.framing if made.body is None or replaced is None else replaced(made.body),
    )


def _settled(head: RequestHead, injection: Injection) -> RequestHead:
    """The head with its placeholders replaced. Raises VaultError: substitution_invalid."""
    if not injection.substitutions:
        return head
    return structs.replace(head, headers=substituted_fields(head.headers, injection.substitutions))


def _unsigned(head: RequestHead, target: bytes, route: Route) -> Unsigned:
    nominated = frozenset(map(fold, head.options))  # these end at this hop
    origin = route.origin
    return Unsigned(
        scheme=origin.scheme,
        host=origin.host,
        host_field=route.host_field,
        method=head.method,
        target=target,
        headers=tuple(field for field in head.headers if fold(field[0]) not in nominated),
        has_body=head.framing.has_body,
    )
