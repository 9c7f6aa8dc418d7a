"""Which AWS service and region a host belongs to, as a signature names them.

    SERVICE.REGION.amazonaws.com               bedrock-runtime.eu-west-1.amazonaws.com
    SERVICE.REGION.api.aws                     dual-stack names of newer services
    BUCKET.s3.[dualstack.]REGION.amazonaws.com
    NAME.REGION.es.amazonaws.com               the other way round, for a few
    SERVICE.amazonaws.com                      global services, signed for us-east-1

Hosts of China end in `.amazonaws.com.cn`. What this doesn't know, the service document has to say.
"""

import re
from dataclasses import dataclass

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

_SUFFIXES = (".amazonaws.com.cn", ".amazonaws.com", ".amazonaws.eu", ".api.aws", ".on.aws")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}", re.ASCII)
_LEGACY_S3 = re.compile(rf"s3(?:-fips)?-({_REGION.pattern})", re.ASCII)
_GLOBAL_REGION = "us-east-1"
_GLOBAL = frozenset(
    [
        "account",
        "budgets",
        "ce",
        "cloudfront",
        "health",
        "iam",
        "importexport",
        "networkmanager",
        "organizations",
        "route53",
        "s3",
        "savingsplans",
        "shield",
        "sts",
        "support",
        "trustedadvisor",
        "waf",
    ]
)
_REGION_FIRST = frozenset(("es", "aoss"))
"""They stand behind the region in their names."""

# A host's label, where it isn't the name that signatures bear.
_SIGNING_NAMES = {
    "bedrock-agent": "bedrock",
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "email": "ses",
    "lambda-url": "lambda",
    "queue": "sqs",
    "s3-accesspoint": "s3",
    "s3-control": "s3",
}
S3_NAMES = frozenset(("s3", "s3-outposts", "s3-object-lambda"))


@dataclass(frozen=True, slots=True)
class AwsScope:
    """What a signature is for. `service` is its signing name."""

    service: str
    region: str

    @property
    def is_s3(self) -> bool:
        """Whether S3's own rules for paths and bodies hold."""
        return self.service in S3_NAMES


def aws_scope(host: str, service: str = "", region: str = "") -> AwsScope:
    """The scope of a host; `service` and `region`, where given, win over what its name says.

    `host` is normalised: lower case, no trailing dot. Raises VaultError signing_failed when the
    name doesn't say and the arguments don't either.
    """
    found_service, found_region = _by_name(host)
    scope = AwsScope(service or found_service, region or found_region)
    if scope.service and scope.region:
        return scope
    missing = "region" if scope.service else "service"
    raise VaultError(
        "signing_failed",
        f"The AWS {missing} of {display_safe(host, 100)} can't be told from its name; "
        f"an operator says it in the service's auth: `{missing}`.",
    )


def service_of(host: str) -> str:
    """The signing name of a normalised host's service: `*` stands for any, empty for unknown."""
    return _by_name(host)[0]


def region_of(host: str) -> str:
    """The region that a normalised host's name says; empty where it says none."""
    return _by_name(host)[1]


def is_region(name: str) -> bool:
    """Whether AWS could call a region so."""
    return _REGION.fullmatch(name) is not None


def _by_name(host: str) -> tuple[str, str]:
    suffix = next((one for one in _SUFFIXES if host.endswith(one)), None)
    if suffix is None:
        return "", ""
    labels = [label for label in host.removesuffix(suffix).split(".") if label != "dualstack"]
    for at in range(len(labels) - 1, -1, -1):
        if _REGION.fullmatch(labels[at]):
            return _beside(labels, at), labels[at]
    return _without_region(labels[-1])


def _beside(labels: list[str], at: int) -> str:
    """The signing name of the label at a region's side."""
    behind = labels[at + 1] if at + 1 < len(labels) else ""
    if behind:
        return behind if behind in _REGION_FIRST else ""
    return _signing_name(labels[at - 1]) if at else ""


def _without_region(label: str) -> tuple[str, str]:
    legacy = _LEGACY_S3.fullmatch(label)
    if legacy:
        return "s3", legacy[1]
    if label == "s3-accelerate":
        return "s3", ""
    name = _signing_name(label)
    return (name, _GLOBAL_REGION) if name in _GLOBAL else (name, "")


def _signing_name(label: str) -> str:
    plain = label.removesuffix("-fips")
    return _SIGNING_NAMES.get(plain, plain)
