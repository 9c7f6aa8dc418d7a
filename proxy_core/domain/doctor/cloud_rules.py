"""What Claude Code needs for Amazon Bedrock, Google Vertex AI and Microsoft Foundry."""

from collections.abc import Callable, Iterator, Mapping

from proxy_core.domain.doctor.claude_rules import take_away
from proxy_core.domain.doctor.facts import ClaudeFacts, Facts
from proxy_core.domain.doctor.findings import Finding, error, note, warning
from proxy_core.domain.doctor.method import CLOUDS, choose_method
from proxy_core.domain.doctor.values import setting, split_url, switched_on, variable

_NAMES = {"bedrock": "Bedrock", "vertex": "Vertex AI", "foundry": "Foundry"}
_HOSTS = {
    "bedrock": ("bedrock-runtime.", "bedrock-runtime.us-east-1.amazonaws.com"),
    "vertex": ("aiplatform.googleapis.com", "us-east5-aiplatform.googleapis.com"),
    "foundry": (".services.ai.azure.com", "name.services.ai.azure.com"),
}
_DEFAULT_REGION, _DEFAULT_VERTEX_REGION = "us-east-1", "us-east5"
_ELSEWHERE = "A model that is not enabled in that region is answered 403."


def cloud_findings(facts: Facts) -> Iterator[Finding]:
    """What is missing for the cloud that was chosen."""
    claude = facts.claude
    if claude is None:
        return
    cloud = choose_method(claude).cloud
    if not cloud:
        return
    yield from _several(claude)
    if switched_on(claude, f"CLAUDE_CODE_SKIP_{cloud.upper()}_AUTH"):
        yield from _unsigned(facts, claude, cloud)
    else:
        yield from _CREDENTIALS[cloud](claude)
    yield from _ADDRESSES[cloud](claude)


def _several(claude: ClaudeFacts) -> Iterator[Finding]:
    on = [name for name in CLOUDS if switched_on(claude, name)]
    second = variable(claude, on[1]) if len(on) > 1 else None
    if second is not None:
        what = f"{' and '.join(on)} are both on."
        why = f"Only the first counts: {_NAMES[CLOUDS[on[0]]]}."
        yield warning("several_clouds", what, why, take_away(second))


def _bedrock_address(claude: ClaudeFacts) -> Iterator[Finding]:
    if not variable(claude, "AWS_REGION") and not variable(claude, "AWS_DEFAULT_REGION"):
        what = f"AWS_REGION is not set: Claude Code takes {_DEFAULT_REGION}."
        yield note("bedrock_region", what, _ELSEWHERE, "export AWS_REGION=REGION")


def _vertex_address(claude: ClaudeFacts) -> Iterator[Finding]:
    if not variable(claude, "ANTHROPIC_VERTEX_PROJECT_ID"):
        what = "ANTHROPIC_VERTEX_PROJECT_ID is not set."
        why = "Vertex AI needs the project that pays."
        yield error("vertex_project", what, why, "export ANTHROPIC_VERTEX_PROJECT_ID=PROJECT")
    if not variable(claude, "CLOUD_ML_REGION"):
        what = f"CLOUD_ML_REGION is not set: Claude Code takes {_DEFAULT_VERTEX_REGION}."
        yield note("vertex_region", what, _ELSEWHERE, "export CLOUD_ML_REGION=REGION")
    base = variable(claude, "ANTHROPIC_VERTEX_BASE_URL")
    if base is not None and not split_url(base.text).path.rstrip("/").endswith("/v1"):
        what = f"ANTHROPIC_VERTEX_BASE_URL ({base.origin}) does not end with /v1."
        why = "Claude Code adds /projects to it, and is answered 404."
        yield error("vertex_base_url", what, why, take_away(base))


def _unsigned(facts: Facts, claude: ClaudeFacts, cloud: str) -> Iterator[Finding]:
    skip = f"CLAUDE_CODE_SKIP_{cloud.upper()}_AUTH"
    redirected = variable(claude, f"ANTHROPIC_{cloud.upper()}_BASE_URL")
    if not facts.claude_behind and redirected is None:
        yield error(
            "unsigned",
            f"{skip} is on, and no proxy is in between that would sign.",
            f"{_NAMES[cloud]} refuses requests without a signature.",
            "vault-tui run -- claude",
        )
    services = facts.worker.services
    if not facts.claude_behind or redirected is not None or services is None:
        return
    if not any(one.enabled and _serves(one.host, cloud) for one in services):
        yield error(
            "no_signing_service",
            f"{skip} is on, and vault {facts.worker.vault} has no service for {_NAMES[cloud]}.",
            "Nobody signs the requests, and they are refused.",
            f"vault-tui service add --from-catalog {cloud} --vault {facts.worker.vault}",
        )


def _serves(host: str, cloud: str) -> bool:
    """Whether a service's host is, or covers, one that models are asked at; in any region."""
    mark, example = _HOSTS[cloud]
    name = host.partition("/")[0].partition(":")[0]
    return mark in name or (name.startswith("*.") and example.endswith(name[1:]))


def _bedrock(claude: ClaudeFacts) -> Iterator[Finding]:
    key, secret = variable(claude, "AWS_ACCESS_KEY_ID"), variable(claude, "AWS_SECRET_ACCESS_KEY")
    if (key is None) != (secret is None):
        missing = "AWS_ACCESS_KEY_ID" if key is None else "AWS_SECRET_ACCESS_KEY"
        what = f"{missing} is missing beside its other half."
        yield error("aws_half", what, "Half a key signs nothing.", f"export {missing}=…")
        return
    others = (
        variable(claude, "AWS_BEARER_TOKEN_BEDROCK"),
        variable(claude, "AWS_PROFILE"),
        setting(claude, "awsCredentialExport"),
        setting(claude, "awsAuthRefresh"),
    )
    if key is None and not any(others) and not claude.aws_profile:
        yield error(
            "bedrock_credentials",
            "There are no credentials for Bedrock: no key, no profile, no command that fetches "
            "them.",
            "The AWS library then asks the cloud's metadata service, and that times out here.",
            "export CLAUDE_CODE_SKIP_BEDROCK_AUTH=1",
        )


def _vertex(claude: ClaudeFacts) -> Iterator[Finding]:
    found = variable(claude, "GOOGLE_APPLICATION_CREDENTIALS")
    if found or claude.google_login or setting(claude, "gcpAuthRefresh"):
        return
    yield error(
        "vertex_credentials",
        "There are no credentials for Vertex AI.",
        "Google's library then asks the cloud's metadata service, and that times out here.",
        "export CLAUDE_CODE_SKIP_VERTEX_AUTH=1",
    )


def _foundry(claude: ClaudeFacts) -> Iterator[Finding]:
    if not variable(claude, "ANTHROPIC_FOUNDRY_API_KEY"):
        yield note(
            "foundry_entra",
            "ANTHROPIC_FOUNDRY_API_KEY is not set: Claude Code signs in by Entra ID.",
            "Outside Azure that takes `az login`; else it ends in a time-out.",
            "export CLAUDE_CODE_SKIP_FOUNDRY_AUTH=1",
        )


def _foundry_address(claude: ClaudeFacts) -> Iterator[Finding]:
    resource = variable(claude, "ANTHROPIC_FOUNDRY_RESOURCE")
    base = variable(claude, "ANTHROPIC_FOUNDRY_BASE_URL")
    if resource is None and base is None:
        what = "Neither ANTHROPIC_FOUNDRY_RESOURCE nor ANTHROPIC_FOUNDRY_BASE_URL is set."
        why = "Claude Code does not know where its Foundry is."
        yield error("foundry_resource", what, why, "export ANTHROPIC_FOUNDRY_RESOURCE=NAME")
    elif resource is not None and base is not None:
        what = "ANTHROPIC_FOUNDRY_RESOURCE and ANTHROPIC_FOUNDRY_BASE_URL are both set."
        why = "Claude Code takes one of them, and stops when it finds both."
        yield error("foundry_both", what, why, take_away(resource))


_CREDENTIALS: Mapping[str, Callable[[ClaudeFacts], Iterator[Finding]]] = {
    "bedrock": _bedrock,
    "vertex": _vertex,
    "foundry": _foundry,
}
_ADDRESSES: Mapping[str, Callable[[ClaudeFacts], Iterator[Finding]]] = {
    "bedrock": _bedrock_address,
    "vertex": _vertex_address,
    "foundry": _foundry_address,
}
