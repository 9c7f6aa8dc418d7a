"""The table of rules, and what comes of asking all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy_core.domain.doctor.claude_rules import claude_findings
from proxy_core.domain.doctor.cloud_rules import cloud_findings
from proxy_core.domain.doctor.environment_rules import environment_findings
from proxy_core.domain.doctor.facts import Facts
from proxy_core.domain.doctor.findings import Finding, Level
from proxy_core.domain.doctor.gateway_rules import gateway_findings
from proxy_core.domain.doctor.home_rules import home_findings
from proxy_core.domain.doctor.method import Method, choose_method
from proxy_core.domain.doctor.settings_rules import settings_findings
from proxy_core.domain.doctor.worker_rules import worker_findings

Rule = Callable[[Facts], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    worker_findings,
    home_findings,
    environment_findings,
    settings_findings,
    claude_findings,
    gateway_findings,
    cloud_findings,
)
_ORDER = {Level.ERROR: 0, Level.WARNING: 1, Level.NOTE: 2}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings, the gravest first; `method` is None where Claude Code plays no part."""

    findings: tuple[Finding, ...]
    method: Method | None

    @property
    def well(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.level is Level.NOTE for finding in self.findings)


def diagnose(facts: Facts) -> Diagnosis:
    """Ask every rule; each finding once, in the order of levels and of the table."""
    found = dict.fromkeys(finding for rule in RULES for finding in rule(facts))
    ordered = sorted(found, key=lambda finding: _ORDER[finding.level])
    method = None if facts.claude is None else choose_method(facts.claude)
    return Diagnosis(tuple(ordered), method)
