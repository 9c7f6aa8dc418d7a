"""Signs one agent's request for AWS in place of the signature that its client has made.

What that left behind goes: fields, the query of a presigned URL, chunks with signatures.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from proxy_core.cloud.sigv4 import ToSign, sign
from proxy_core.domain.cloud.aws_body import BodyPlan, BodyWay, body_plan
from proxy_core.domain.cloud.aws_chunked import Unwrapped, unwrapped
from proxy_core.domain.cloud.aws_hosts import AwsScope, aws_scope
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.signing import Headers, Signed, Unsigned, WholeBody

_PAYLOAD_FIELD: Final = b"x-amz-content-sha256"
_DUMMIES: Final = frozenset(
    (b"authorization", b"x-amz-date", b"x-amz-security-token", _PAYLOAD_FIELD)
)
_COVERED: Final = frozenset((b"content-type", b"content-md5"))
_WRAPPING: Final = frozenset((b"x-amz-decoded-content-length", b"x-amz-trailer"))
_CODING: Final = b"content-encoding"
_PRESIGNED: Final = frozenset(
    "x-amz-" + name
    for name in [
        "algorithm",
        "content-sha256",
        "credential",
        "date",
        "expires",
        "security-token",
        "signature",
        "signedheaders",
    ]
)


@dataclass(frozen=True, slots=True)
class AwsSigner:
    """Implements `domain.signing.Signer`. `service` and `region` win over the host's name."""

    keys: AwsKeys = field(repr=False)
    service: str = ""
    region: str = ""

    def reads_body(self, request: Unsigned) -> bool:
        """See `Signer`. Raises VaultError: signing_failed."""
        return self._plan(request, self._scope(request)).way is not BodyWay.PASSES

    def sign(self, request: Unsigned, body: WholeBody | None) -> Signed:
        """See `Signer`. Raises VaultError: signing_failed, bad_request."""
        scope = self._scope(request)
        plan = self._plan(request, scope)
        plain = None
        if plan.way is BodyWay.UNWRAP and body is not None:
            plain = unwrapped(body.data)
        dropped = _DUMMIES if plain is None else _DUMMIES | _WRAPPING | {_CODING}
        fields = () if plain is None else _plain_fields(request.headers, plain)
        target = _without_presigned(request.target)
        covered = (
            *((name, value) for name, value in request.headers if _is_covered(name, dropped)),
            *((name, value) for name, value in fields if _is_covered(name, _DUMMIES)),
        )
        to_sign = ToSign(
            method=request.method.decode("ascii"),
            scheme=request.scheme,
            host_field=request.host_field.decode("ascii"),
            target=target.decode("latin-1"),
            headers=covered,
            payload=plan.payload or _digest(body, plain),
        )
        signature = sign(to_sign, self.keys, scope)
        return Signed(target, dropped, (*fields, *signature), plain and plain.body)

    def _scope(self, request: Unsigned) -> AwsScope:
        return aws_scope(request.host, self.service, self.region)

    def _plan(self, request: Unsigned, scope: AwsScope) -> BodyPlan:
        announced = next(
            (value for name, value in request.headers if name.lower() == _PAYLOAD_FIELD), b""
        )
        return body_plan(scope, request.scheme, request.has_body, announced.decode("latin-1"))


def _is_covered(name: bytes, dropped: frozenset[bytes]) -> bool:
    folded = name.lower()
    return folded not in dropped and (folded in _COVERED or folded.startswith(b"x-amz-"))


def _digest(body: WholeBody | None, plain: Unwrapped | None) -> str:
    if plain is not None:
        return sha256(plain.body).hexdigest()
    return body.sha256 if body is not None else sha256().hexdigest()


def _plain_fields(headers: Headers, plain: Unwrapped) -> Headers:
    """What the head has to say of a body that is not wrapped any more: its other codings, and
    the checksums that came behind it.
    """
    codings = [
        coding.strip()
        for name, value in headers
        if name.lower() == _CODING
        for coding in value.split(b",")
    ]
    kept = [coding for coding in codings if coding and coding.lower() != b"aws-chunked"]
    coding = ((b"Content-Encoding", b", ".join(kept)),) if kept else ()
    return (*coding, *plain.trailers)


def _without_presigned(target: bytes) -> bytes:
    path, mark, query = target.partition(b"?")
    if not mark:
        return target
    kept = [
        pair
        for pair in query.split(b"&")
        if unquote(pair.partition(b"=")[0].decode("latin-1")).lower() not in _PRESIGNED
    ]
    if len(kept) == query.count(b"&") + 1:
        return target
    return path + b"?" + b"&".join(kept) if kept else path
