"""Roles: which STS is asked for their keys, and what says that those no longer count."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.aws_errors import refuses_keys
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.aws_role import StsEndpoint, sts_endpoint
from proxy_core.domain.cloud.minted import keys_beside, minted_key, minted_secrets, recipe_of
from proxy_core.domain.service import Auth, AuthType, Service

AUTH = Auth(
    AuthType.AWS_SIGV4,
    access_key_id="ID",
    secret_access_key="SECRET",
    role_arn="arn:aws:iam::123456789012:role/agents",
)


def role(partition: str = "aws", region: str = "", **more: str) -> Auth:
    """An auth with a role of a partition."""
    arn = f"arn:{partition}:iam::123456789012:role/agents"
    return Auth(AuthType.AWS_SIGV4, role_arn=arn, region=region, **more)


@pytest.mark.parametrize(
    ("host", "auth", "sts", "region"),
    [
        ("s3.eu-west-1.amazonaws.com", role(), "sts.eu-west-1.amazonaws.com", "eu-west-1"),
        ("*.s3.eu-west-1.amazonaws.com", role(), "sts.eu-west-1.amazonaws.com", "eu-west-1"),
        ("route53.amazonaws.com", role(), "sts.us-east-1.amazonaws.com", "us-east-1"),
        ("files.acme.example", role(), "sts.us-east-1.amazonaws.com", "us-east-1"),
        (
            "files.acme.example",
            role(region="ap-south-1"),
            "sts.ap-south-1.amazonaws.com",
            "ap-south-1",
        ),
        (
            "sqs.cn-north-1.amazonaws.com.cn",
            role("aws-cn"),
            "sts.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
        ),
        ("files.acme.example", role("aws-cn"), "sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        (
            "sqs.us-gov-east-1.amazonaws.com",
            role("aws-us-gov"),
            "sts.us-gov-east-1.amazonaws.com",
            "us-gov-east-1",
        ),
        (
            "sqs.eusc-de-east-1.amazonaws.eu",
            role("aws-eusc"),
            "sts.eusc-de-east-1.amazonaws.eu",
            "eusc-de-east-1",
        ),
    ],
)
def test_the_region_signed_for_gives_out_the_keys(
    host: str, auth: Auth, sts: str, region: str
) -> None:
    """Or the partition's first, where the host tells none."""
    assert sts_endpoint(auth, host) == StsEndpoint(sts, region)


@pytest.mark.parametrize("region", ["s3", "s3-accelerate", "eu-west", "eu-west-1-1x", "1"])
def test_a_name_that_is_no_regions_leads_to_no_sts(region: str) -> None:
    """Below `s3`, the name that would be asked is that of somebody's bucket."""
    with pytest.raises(VaultError, match="region") as caught:
        sts_endpoint(role(region=region), "files.acme.example")
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    ("host", "auth"),
    [
        ("s3.eu-west-1.amazonaws.com", role("aws-cn")),
        ("sqs.cn-north-1.amazonaws.com.cn", role()),
        ("files.acme.example", role("aws-us-gov", "us-east-1")),
    ],
)
def test_a_role_of_another_partition_is_refused(host: str, auth: Auth) -> None:
    """It has no rights there, and its STS is somebody else's."""
    with pytest.raises(VaultError) as caught:
        sts_endpoint(auth, host)
    assert caught.value.code == "bad_request"


def test_services_of_one_region_share_a_role() -> None:
    """Their keys are the same; another region's, or another session's, are not."""

    def recipe(host: str, **more: str) -> object:
        auth = role(**more)
        return recipe_of(Service("a", host, auth))

    s3 = recipe("s3.eu-west-1.amazonaws.com")
    assert s3 == recipe("bedrock-runtime.eu-west-1.amazonaws.com")
    assert s3 == recipe("files.acme.example", region="eu-west-1", service="s3")
    assert s3 != recipe("s3.eu-west-2.amazonaws.com")
    assert s3 != recipe("s3.eu-west-1.amazonaws.com", session_name="other")


def test_keys_are_exchanged_where_a_role_is_named() -> None:
    """The secret stands for what is lent; what else is stored belongs to it."""
    plain = Auth(AuthType.AWS_SIGV4, access_key_id="ID", secret_access_key="SECRET")
    assert minted_key(plain) == ""
    assert minted_key(AUTH) == "SECRET"
    assert keys_beside(AUTH) == ("ID",)
    assert keys_beside(Auth(AuthType.GCP, key="KEY")) == ()


def test_every_part_of_a_lent_key_is_a_secret() -> None:
    """A value that is not lent is one as it stands."""
    keys = AwsKeys("ASIA1", "s3cret/+", "token==")
    assert AwsKeys.unpacked(keys.packed()) == keys
    lent = [*minted_secrets(AUTH, "SECRET", keys.packed())]
    assert sorted(lent) == [b"ASIA1", b"s3cret/+", b"token=="]
    assert [*minted_secrets(AUTH, "ID", b"AKIA 1")] == [b"AKIA 1"]


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        (b"x-amzn-ErrorType", b"ExpiredTokenException", True),
        (b"X-Amzn-Errortype", b"UnrecognizedClientException:http://internal.example/", True),
        (b"x-amzn-errortype", b"com.amazon.coral.service#ExpiredTokenException", True),
        (b"x-amzn-errortype", b"AccessDeniedException", False),
        (b"x-other", b"ExpiredTokenException", False),
    ],
)
def test_keys_that_no_longer_count_are_named_in_the_head(
    name: bytes, value: bytes, refused: bool
) -> None:
    """A right that is missing is none of theirs."""
    assert refuses_keys([(b"Date", b"now"), (name, value)]) is refused


S3 = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%b</Code><Message>m</Message></Error>'
STS = (
    b'<ErrorResponse xmlns="https://sts.amazonaws.com/"><Error><Type>Sender</Type>'
    b"<Code>%b</Code></Error></ErrorResponse>"
)
EC2 = b"<Response><Errors><Error><Code>%b</Code></Error></Errors></Response>"
DYNAMODB = b'{"__type":"com.amazon.coral.service#%b","message":"m"}'


@pytest.mark.parametrize("form", [S3, STS, EC2, DYNAMODB])
@pytest.mark.parametrize(
    ("code", "refused"),
    [(b"ExpiredToken", True), (b"InvalidAccessKeyId", True), (b"AccessDenied", False)],
)
def test_keys_that_no_longer_count_are_named_in_the_body(
    form: bytes, code: bytes, refused: bool
) -> None:
    """In XML as S3 and the older ones write it, and in JSON."""
    assert refuses_keys([], form % code) is refused


@pytest.mark.parametrize(
    "body",
    [
        S3 % b"AccessDenied" + b"<Code>ExpiredToken</Code>",
        b"<ListBucketResult><Code>ExpiredToken</Code></ListBucketResult>",
        b'"__type":"ExpiredTokenException"',
        b"<Error><Code>ExpiredToken",
        b"ExpiredToken",
        b"",
    ],
)
def test_what_only_quotes_such_a_name_refuses_no_keys(body: bytes) -> None:
    """The first code of an error counts, and nothing else."""
    assert not refuses_keys([], body)
