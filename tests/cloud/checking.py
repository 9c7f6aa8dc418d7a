"""Checks Signature Version 4 as a server does, from AWS' description alone.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote_to_bytes

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), "
    r"SignedHeaders=(?P<signed>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class Refused(Exception):
    """Why a server would answer 403."""


def check(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    scope: str,
    secret: str = SECRET,
) -> None:
    """`headers` have lower-case names. `scope` is `REGION/SERVICE`. Raises Refused."""
    found = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Refused("no signature")
    date = headers["x-amz-date"]
    if found["scope"] != f"{date[:8]}/{scope}/aws4_request":
        raise Refused(f"scope {found['scope']}")
    signed = found["signed"].split(";")
    demanded = {"host"} | {name for name in headers if name.startswith("x-amz-")}
    if missing := demanded - set(signed):
        raise Refused(f"not signed: {missing}")
    canonical = _canonical(method, target, headers, signed, _payload(headers, body), scope)
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", date, found["scope"], hashlib.sha256(canonical).hexdigest())
    )
    key = b"AWS4" + secret.encode()
    for part in found["scope"].split("/"):
        key = _mac(key, part)
    if _mac(key, to_sign).hex() != found["signature"]:
        raise Refused(f"the signature is not that of {canonical!r}")


def _canonical(
    method: str,
    target: str,
    headers: Mapping[str, str],
    signed: list[str],
    payload: str,
    scope: str,
) -> bytes:
    path, _, query = target.partition("?")
    # S3 signs names as they are kept, the others the path as it was sent, encoded once more.
    name = unquote_to_bytes(path) if scope.endswith("/s3") else path.encode()
    pairs = sorted(
        (quote(key, safe="-_.~"), quote(value, safe="-_.~"))
        for key, value in parse_qsl(query, keep_blank_values=True)
    )
    lines = [
        method,
        quote(name, safe="/-_.~"),
        "&".join(f"{key}={value}" for key, value in pairs),
        *(f"{name}:{' '.join(headers[name].split())}" for name in signed),
        "",
        ";".join(signed),
        payload,
    ]
    return "\n".join(lines).encode()


def _payload(headers: Mapping[str, str], body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    said = headers.get("x-amz-content-sha256", digest)
    if re.fullmatch("[0-9a-f]{64}", said) and said != digest:
        raise Refused("the body is not the one that was signed")
    return said


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
