"""What is wrong, and how to mend it: facts in, findings out. Gathering facts is not done here."""

from proxy_core.domain.doctor.diagnosis import Diagnosis, diagnose
from proxy_core.domain.doctor.facts import (
    CaFacts,
    ClaudeFacts,
    Facts,
    GatewayLogin,
    HomeFacts,
    LoginFile,
    Probe,
    ProjectScript,
    RuntimeFacts,
    Scope,
    SettingsFile,
    TokenLogin,
    WorkerFacts,
)
from proxy_core.domain.doctor.findings import Finding, Level
from proxy_core.domain.doctor.method import Method, choose_method

__all__ = [
    "CaFacts",
    "ClaudeFacts",
    "Diagnosis",
    "Facts",
    "Finding",
    "GatewayLogin",
    "HomeFacts",
    "Level",
    "LoginFile",
    "Method",
    "Probe",
    "ProjectScript",
    "RuntimeFacts",
    "Scope",
    "SettingsFile",
    "TokenLogin",
    "WorkerFacts",
    "choose_method",
    "diagnose",
]
