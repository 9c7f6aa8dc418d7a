"""What Claude Code needs for Amazon Bedrock, Google Vertex AI and Microsoft Foundry."""

from collections.abc import Callable, Iterator, Mapping

from proxy_core.domain.doctor.claude_rules import take_away
from proxy_core.domain.doctor.facts import ClaudeFacts, Facts
from proxy_core.domain.doctor.findings import Finding, error, note, warning
from proxy_core.domain.doctor.method import CLOUDS, choose_method
from proxy_core.domain.doctor.values import setting, switched_on, variable

_NAMES = {"bedrock": "Bedrock", "vertex": "Vertex AI", "foundry": "Foundry"}
_DEFAULT_REGION = "us-east-1"


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
    if cloud == "vertex" and not variable(claude, "ANTHROPIC_VERTEX_PROJECT_ID"):
        what = "ANTHROPIC_VERTEX_PROJECT_ID is not set."
        why = "Vertex AI needs the project that pays."
        yield error("vertex_project", what, why, "export ANTHROPIC_VERTEX_PROJECT_ID=PROJECT")
    if cloud == "foundry":
        yield from _foundry_address(claude)
    if cloud == "bedrock" and not variable(claude, "AWS_REGION"):
        what = f"AWS_REGION is not set: Claude Code takes {_DEFAULT_REGION}."
        why = "A model that is not enabled in that region is answered 403."
        yield note("bedrock_region", what, why, "export AWS_REGION=REGION")


def _several(claude: ClaudeFacts) -> Iterator[Finding]:
    on = [name for name in CLOUDS if switched_on(claude, name)]
    second = variable(claude, on[1]) if len(on) > 1 else None
    if second is not None:
        what = f"{' and '.join(on)} are both on."
        why = f"Only the first counts: {_NAMES[CLOUDS[on[0]]]}."
        yield warning("several_clouds", what, why, take_away(second))


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


_CREDENTIALS: Mapping[str, Callable[[ClaudeFacts], Iterator[Finding]]] = {
    "bedrock": _bedrock,
    "vertex": _vertex,
    "foundry": _foundry,
}
