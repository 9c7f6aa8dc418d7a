"""How the body of a request to AWS is signed for, by what the agent's own client has announced.

A client that signs says in `X-Amz-Content-SHA256` how; its signature is a dummy's, and chunks that
are signed one by one bear dummies as well. Those are taken out of their wrapping: the body then
goes on plainly.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from dataclasses import dataclass
from enum import StrEnum

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_hosts import AwsScope

UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SIGNED_CHUNKS = ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")


class BodyWay(StrEnum):
    """`passes`: as it comes, unread. `digest`: read whole, its SHA-256 is signed. `unwrap`: read
    whole and taken out of its signed chunks.
    """

    PASSES = "passes"
    DIGEST = "digest"
    UNWRAP = "unwrap"


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """`payload` is what is signed in the body's place; empty: its SHA-256, once it is known."""

    way: BodyWay
    payload: str = ""


def body_plan(scope: AwsScope, scheme: str, has_body: bool, announced: str) -> BodyPlan:
    """What to do with a body; `announced` is the client's `X-Amz-Content-SHA256`, or empty.

    Raises VaultError signing_failed for a body whose parts have to be signed as they are made.
    """
    if not has_body:
        return BodyPlan(BodyWay.PASSES, EMPTY_SHA256)
    secure = scheme == "https"
    if announced.startswith("STREAMING-"):
        if announced == UNSIGNED_TRAILER and secure and scope.is_s3:
            return BodyPlan(BodyWay.PASSES, announced)
        if scope.is_s3 and announced.removesuffix("-TRAILER") in _SIGNED_CHUNKS:
            return BodyPlan(BodyWay.UNWRAP, UNSIGNED if secure else "")
        raise VaultError(
            "signing_failed",
            "The body is a stream whose parts its client signs one by one, which can't be done "
            "in its place here; configure the client to send plain bodies.",
        )
    if scope.is_s3 and secure:
        return BodyPlan(BodyWay.PASSES, UNSIGNED)
    return BodyPlan(BodyWay.DIGEST)
