"""Trusted issuers of JWTs: what is asked of a token, and whom it stands for.

issuer       an issuer as it is configured, and the rules from claims to agents, vaults and users
presented    a JWT taken apart, before anything of it is believed
checks       issuer, audience, times, algorithm and key: what must hold (RFC 7519, RFC 8725)
metadata     where an issuer publishes its keys
"""

from proxy_core.domain.issuers.checks import auth_time, check, suits
from proxy_core.domain.issuers.issuer import Issuer, Rule, UserBy, check_issuer_name
from proxy_core.domain.issuers.metadata import jwks_url
from proxy_core.domain.issuers.presented import Presented, present

__all__ = [
    "Issuer",
    "Presented",
    "Rule",
    "UserBy",
    "auth_time",
    "check",
    "check_issuer_name",
    "jwks_url",
    "present",
    "suits",
]
