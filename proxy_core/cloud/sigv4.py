"""AWS Signature Version 4 of single requests, by botocore's signers.

    load()      imports botocore, which takes some tenths of a second; call it in a thread
    sign()      one request's fields, in about 200 µs

Only what AWS demands is signed: Host, Content-Type, Content-MD5 and `X-Amz-*`. The rest may change
on its way without harm.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_hosts import AwsScope
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.signing import Headers


@dataclass(frozen=True, slots=True)
class ToSign:
    """What is signed. `target` is in origin form, as it is sent; `headers` are those to cover,
    Host apart. `payload` is the body's SHA-256 in hex, or what S3 takes in its place.
    """

    method: str
    scheme: str
    host_field: str
    target: str = field(repr=False)
    headers: Headers = field(repr=False)
    payload: str


def load() -> None:
    """Import botocore. Raises VaultError signing_failed where it is not installed."""
    if find_spec("botocore") is None:
        raise VaultError(
            "signing_failed",
            "Signing for AWS needs botocore, which is not installed; "
            "an operator mends it with `make run`, or `pip install '.[aws]'` in the source tree.",
        )
    import proxy_core.cloud.botocore_signers  # noqa: F401 - so that it is there


def sign(request: ToSign, keys: AwsKeys, scope: AwsScope) -> Headers:
    """The fields to set: Authorization, X-Amz-Date, and what else the signature covers."""
    from proxy_core.cloud.botocore_signers import signed_fields

    path, _, query = request.target.partition("?")
    path = _s3_path(path) if scope.is_s3 else path
    url = f"{request.scheme}://{request.host_field}{path}"
    if query:
        url += f"?{_canonical_query(query)}"
    covered = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    fields = signed_fields(request.method, url, covered, request.payload, keys, scope)
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in fields)


def _s3_path(path: str) -> str:
    """S3 encodes what it has decoded: once, and its own way."""
    return quote(unquote_to_bytes(path), safe="/-._~")


def _canonical_query(query: str) -> str:
    """Names and values encoded as AWS does it; a plus stands for a blank."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in _pairs(query))


def _pairs(query: str) -> Iterable[tuple[str, str]]:
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield name, value


def _encoded(text: str) -> str:
    return quote(unquote_plus(text, "latin-1").encode("latin-1"), safe="-_.~")
