"""What is dangerous about a proposal, in words for the person who decides.

A rule looks at one thing and answers risks. A HIGH one names what has to be typed before the
proposal is approved: the credential or service that it is about.
"""

from collections.abc import Callable, Iterator

from proxy_core.base.text import display_safe
from proxy_core.domain.proposals import credential_risks, service_risks
from proxy_core.domain.proposals.assessment import Assessment, Facts, Level, Risk
from proxy_core.domain.proposals.diff import ServiceDiff


def assess(facts: Facts) -> Assessment:
    """Every risk that the rules see."""
    found = [risk for rule in _RULES for risk in rule(facts)]
    for one in facts.diff.services:
        for look in _SERVICE_RULES:
            found += look(facts, one)
    found.sort(key=lambda risk: -risk.level)
    return Assessment(tuple(found))


def _texts(facts: Facts) -> Iterator[Risk]:
    texts = [facts.proposal.message, facts.proposal.user_message]
    for slot in facts.proposal.slots:
        texts += [slot.description, slot.obtain, slot.obtain_instructions]
    # Line ends are no disguise, nor is what makes an emoji of a sign.
    plain = ("".join(text.replace("\ufe0f", "").split()) for text in texts)
    if any(display_safe(text) != text for text in plain):
        yield Risk(
            Level.MEDIUM,
            "hidden_characters",
            "message",
            "The agent's texts hold characters that steer a terminal, hide or reorder text.",
        )


_RULES: tuple[Callable[[Facts], Iterator[Risk]], ...] = (
    credential_risks.existing_elsewhere,
    credential_risks.credentials,
    credential_risks.oauth_endpoints,
    _texts,
)
_SERVICE_RULES: tuple[Callable[[Facts, ServiceDiff], Iterator[Risk]], ...] = (
    service_risks.name,
    service_risks.weaker,
    service_risks.overtakes,
    service_risks.way,
    service_risks.kind,
    service_risks.keys,
    service_risks.past_role,
    service_risks.gateway,
)
