"""How a body is signed for."""

import pytest

from proxy_core.domain.cloud.aws_body import EMPTY_SHA256, BodyPlan, BodyWay, body_plan
from proxy_core.domain.cloud.aws_hosts import AwsScope
from tests.domain.samples import refused

S3 = AwsScope("s3", "us-east-1")
BEDROCK = AwsScope("bedrock", "us-east-1")
PASSES, DIGEST, UNWRAP = BodyWay.PASSES, BodyWay.DIGEST, BodyWay.UNWRAP
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.mark.parametrize(
    ("scope", "scheme", "announced", "plan"),
    [
        (BEDROCK, "https", "", BodyPlan(DIGEST)),
        (BEDROCK, "https", "UNSIGNED-PAYLOAD", BodyPlan(DIGEST)),
        (S3, "https", "", BodyPlan(PASSES, "UNSIGNED-PAYLOAD")),
        (S3, "https", "0" * 64, BodyPlan(PASSES, "UNSIGNED-PAYLOAD")),
        (S3, "http", "UNSIGNED-PAYLOAD", BodyPlan(DIGEST)),
        (S3, "https", UNSIGNED_TRAILER, BodyPlan(PASSES, UNSIGNED_TRAILER)),
        (S3, "https", SIGNED, BodyPlan(UNWRAP, "UNSIGNED-PAYLOAD")),
        (S3, "https", f"{SIGNED}-TRAILER", BodyPlan(UNWRAP, "UNSIGNED-PAYLOAD")),
        (S3, "http", SIGNED, BodyPlan(UNWRAP)),
    ],
)
def test_only_s3_over_tls_takes_bodies_that_nobody_has_read(
    scope: AwsScope, scheme: str, announced: str, plan: BodyPlan
) -> None:
    """Everything else is read for its digest; chunks with signatures are unwrapped."""
    assert body_plan(scope, scheme, True, announced) == plan


@pytest.mark.parametrize("scope", [S3, BEDROCK])
def test_a_request_without_a_body_is_signed_for_none(scope: AwsScope) -> None:
    """Whatever its client has announced."""
    assert body_plan(scope, "https", False, SIGNED) == BodyPlan(PASSES, EMPTY_SHA256)


@pytest.mark.parametrize(
    ("scope", "scheme", "announced"),
    [
        (BEDROCK, "https", "STREAMING-AWS4-HMAC-SHA256-EVENTS"),
        (S3, "https", "STREAMING-SOMETHING-ELSE"),
        (S3, "http", UNSIGNED_TRAILER),
        (BEDROCK, "https", SIGNED),
    ],
)
def test_what_its_client_alone_can_sign_is_refused(
    scope: AwsScope, scheme: str, announced: str
) -> None:
    """With a sentence that says what to change."""
    error = refused(lambda: body_plan(scope, scheme, True, announced))
    assert error is not None
    assert error.code == "signing_failed"
    assert "plain bodies" in error.detail
