"""Trusted issuers: whose JWTs count where an agent's token does."""

from proxy_core.client.calls.call import Call, segment
from proxy_core.domain import wire


def issuers() -> Call[wire.IssuerList]:
    """The trusted issuers."""
    return Call("GET", "/v1/issuers", wire.IssuerList)


def add_issuer(issuer: wire.AddIssuer) -> Call[wire.IssuerInfo]:
    """Trust an issuer."""
    return Call("POST", "/v1/issuers", wire.IssuerInfo, body=issuer)


def replace_issuer(issuer: wire.AddIssuer) -> Call[wire.IssuerInfo]:
    """Trust the issuer of that name with this instead."""
    fields = {name: getattr(issuer, name) for name in wire.IssuerFields.__struct_fields__}
    return Call("PUT", _one(issuer.name), wire.IssuerInfo, body=wire.ReplaceIssuer(**fields))


def remove_issuer(name: str) -> Call[wire.Deleted]:
    """Trust it no more."""
    return Call("DELETE", _one(name), wire.Deleted)


def try_issuer(name: str, token: str = "") -> Call[wire.IssuerTested]:
    """Fetch its keys; say whom a token would stand for."""
    return Call("POST", _one(name, "/test"), wire.IssuerTested, body=wire.TryIssuer(token=token))


def _one(name: str, rest: str = "") -> str:
    return f"/v1/issuers/{segment(name)}{rest}"
