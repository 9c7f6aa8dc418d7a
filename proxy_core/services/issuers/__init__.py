"""Trusted issuers of JWTs.

issuers      as operators keep them
verifying    what a JWT is worth: the verdicts' verifier
keys         an issuer's published keys: how old they may be, and when they are asked for
fetching     one look at what an issuer publishes
vouched      a JWT's holder: an agent, or somebody with a role in a vault
documents    between rows, values and what the API says
"""

from proxy_core.services.issuers.issuers import Issuers

__all__ = ["Issuers"]
