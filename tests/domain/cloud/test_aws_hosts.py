"""Which AWS service and region a host belongs to."""

import pytest

from proxy_core.domain.cloud.aws_hosts import AwsScope, aws_scope
from tests.domain.samples import refused


@pytest.mark.parametrize(
    ("host", "service", "region"),
    [
        ("bedrock-runtime.eu-west-1.amazonaws.com", "bedrock", "eu-west-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "bedrock", "us-gov-west-1"),
        ("bedrock.us-east-1.amazonaws.com", "bedrock", "us-east-1"),
        ("bedrock-agent-runtime.us-east-1.api.aws", "bedrock", "us-east-1"),
        ("s3.eu-central-1.amazonaws.com", "s3", "eu-central-1"),
        ("my.bucket.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1"),
        ("bucket.s3.dualstack.us-west-2.amazonaws.com", "s3", "us-west-2"),
        ("bucket.s3.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1"),
        ("bucket.s3-us-west-2.amazonaws.com", "s3", "us-west-2"),
        ("bucket.s3.amazonaws.com", "s3", "us-east-1"),
        ("ap-123.s3-accesspoint.us-west-2.amazonaws.com", "s3", "us-west-2"),
        ("123.s3-control.us-west-2.amazonaws.com", "s3", "us-west-2"),
        ("sts.amazonaws.com", "sts", "us-east-1"),
        ("sts.ap-southeast-3.amazonaws.com", "sts", "ap-southeast-3"),
        ("iam.amazonaws.com", "iam", "us-east-1"),
        ("abc123.execute-api.eu-west-3.amazonaws.com", "execute-api", "eu-west-3"),
        ("search-logs-abc.us-east-1.es.amazonaws.com", "es", "us-east-1"),
        ("abc.us-east-1.aoss.amazonaws.com", "aoss", "us-east-1"),
        ("abc.lambda-url.eu-west-1.on.aws", "lambda", "eu-west-1"),
        ("runtime.sagemaker.eu-west-1.amazonaws.com", "sagemaker", "eu-west-1"),
        ("email.eu-west-1.amazonaws.com", "ses", "eu-west-1"),
    ],
)
def test_the_name_says_service_and_region(host: str, service: str, region: str) -> None:
    """Regional, global, dual-stack, FIPS, China; S3 with its bucket in the path or in the name."""
    assert aws_scope(host) == AwsScope(service, region)


@pytest.mark.parametrize(
    ("host", "missing"),
    [
        ("bucket.s3-accelerate.amazonaws.com", "region"),
        ("dynamodb.amazonaws.com", "region"),
        ("minio.example.com", "service"),
        ("amazonaws.com.evil.example", "service"),
    ],
)
def test_what_the_name_does_not_say_is_asked_for(host: str, missing: str) -> None:
    """Rather than guessed: a signature for the wrong region is refused by AWS at best."""
    error = refused(lambda: aws_scope(host))
    assert error is not None
    assert error.code == "signing_failed"
    assert f"`{missing}`" in error.detail


def test_what_the_operator_says_wins() -> None:
    """Over the name, and where there is none."""
    assert aws_scope("minio.example.com", "s3", "us-east-1") == AwsScope("s3", "us-east-1")
    assert aws_scope("sts.amazonaws.com", region="eu-west-1") == AwsScope("sts", "eu-west-1")
    accelerated = aws_scope("b.s3-accelerate.amazonaws.com", region="eu-west-1")
    assert accelerated == AwsScope("s3", "eu-west-1")
