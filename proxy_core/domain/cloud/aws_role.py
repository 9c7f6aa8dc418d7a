"""The role that a service of type `aws-sigv4` assumes, and the STS that gives out its keys.

STS answers in every region, for all roles of the region's partition. Which one is asked follows
from what the service signs for, never from a URL in the service: its answer is signed with.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/general/latest/gr/sts.html
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from proxy_core.domain.cloud.aws_hosts import is_region, region_of
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.service import Auth

MIN_DURATION, MAX_DURATION = 900, 43_200
ROLE_FIELDS: Final = ("role_arn", "external_id", "session_name", "duration")

_ARN = re.compile(
    r"arn:(?P<partition>aws(-[a-z]+)*):iam::[0-9]{12}:role/([!-~]{1,511}/)?[A-Za-z0-9_+=,.@-]{1,64}",
    re.ASCII,
)
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", re.ASCII)
_SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Partition:
    """`prefix` is how its regions begin, `region` the one to ask where no other is meant."""

    prefix: str
    region: str
    suffix: str


_COMMERCIAL: Final = "aws"
_PARTITIONS: Final = {
    _COMMERCIAL: _Partition("", "us-east-1", "amazonaws.com"),
    "aws-cn": _Partition("cn-", "cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": _Partition("us-gov-", "us-gov-west-1", "amazonaws.com"),
    "aws-eusc": _Partition("eusc-", "eusc-de-east-1", "amazonaws.eu"),
}


@dataclass(frozen=True, slots=True)
class StsEndpoint:
    """Where keys for a role come from, over https; requests are signed for `region`."""

    host: str
    region: str


def role_fields(fields: Fields) -> dict[str, Any]:
    """The role's fields of an `auth` block, checked; empty without `role_arn`.

    Raises VaultError bad_request.
    """
    if "role_arn" not in fields:
        for name in ROLE_FIELDS:
            if name in fields:
                raise invalid(fields.where, f"{name} needs role_arn, the role to assume")
        return {}
    return {
        "role_arn": _arn(fields),
        "external_id": _matching(fields, "external_id", _EXTERNAL_ID),
        "session_name": _matching(fields, "session_name", _SESSION_NAME),
        "duration": _duration(fields),
    }


def sts_endpoint(auth: Auth, host: str) -> StsEndpoint:
    """The STS to ask for `auth.role_arn`: that of the region that requests to `host` are for.

    Raises VaultError bad_request for what is no region: other names beside STS' own are anybody's;
    and where the role belongs to another partition than the region.
    """
    name = _partition_of_role(auth.role_arn)
    partition = _PARTITIONS[name]
    region = auth.region or region_of(host) or partition.region
    if not is_region(region):
        raise invalid("region", f"{quoted(region)} is no region of AWS, such as eu-west-1")
    if _partition_of_region(region) != name:
        raise invalid("role_arn", f"a role of {name} has no rights in the region {region}")
    return StsEndpoint(f"sts.{region}.{partition.suffix}", region)


def _arn(fields: Fields) -> str:
    arn = fields.text("role_arn")
    found = _ARN.fullmatch(arn)
    if found is None or found["partition"] not in _PARTITIONS:
        raise invalid(
            f"{fields.where}.role_arn",
            f"{quoted(arn)} is no role, such as arn:aws:iam::123456789012:role/agents",
        )
    return arn


def _matching(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(name, str, "")
    if value and not pattern.fullmatch(value):
        raise invalid(f"{fields.where}.{name}", f"{quoted(value)} is no {name.replace('_', ' ')}")
    return value


def _duration(fields: Fields) -> int:
    seconds = fields.get("duration", int, 0)
    if "duration" in fields and not MIN_DURATION <= seconds <= MAX_DURATION:
        raise invalid(
            f"{fields.where}.duration", f"must be {MIN_DURATION} to {MAX_DURATION} seconds"
        )
    return seconds


def _partition_of_role(arn: str) -> str:
    return arn.split(":", 2)[1]


def _partition_of_region(region: str) -> str:
    for name, partition in _PARTITIONS.items():
        if partition.prefix and region.startswith(partition.prefix):
            return name
    return _COMMERCIAL
