"""Trusted issuers of JWTs."""

from typing import Literal

import msgspec

from proxy_core.domain.wire.base import Request, Response


class IssuerRule(Request):
    """From a claim to an agent, to a role in a vault (perhaps for some of its services), or a user.

    Either `equals` or `matches` (`*` stands for any characters), and one of `agent`, `vault`,
    `user` (a user's name) and `user_by`: the claim's value is a user's address, which the issuer
    must have verified (`email`), or a name that the issuer gives (`name`). `at_most`: the highest
    instance role that the user then has. In an answer the agent, vault or user is empty when it was
    deleted; such a rule refuses.
    """

    claim: str
    equals: str = ""
    matches: str = ""
    agent: str = ""
    vault: str = ""
    role: str = "proxy"
    services: list[str] = msgspec.field(default_factory=list)
    user: str = ""
    user_by: Literal["", "email", "name"] = ""
    at_most: str = ""


class IssuerFields(Request, kw_only=True):
    """What an issuer is trusted with. `url` is its `iss`, to the letter.

    `audiences`: whom its tokens must be for, one of them. `algorithms` empty: RS256, PS256, ES256,
    EdDSA. `jwks_url` empty: the keys are where its metadata says. The first rule that fits decides.
    """

    url: str
    audiences: list[str]
    rules: list[IssuerRule]
    algorithms: list[str] = msgspec.field(default_factory=list)
    jwks_url: str = ""


class AddIssuer(IssuerFields, kw_only=True):
    """`POST /v1/issuers`."""

    name: str


class ReplaceIssuer(IssuerFields):
    """`PUT /v1/issuers/{name}`."""


class TryIssuer(Request):
    """`POST /v1/issuers/{name}/test`: fetches its keys; judges a token, where one is given."""

    token: str = ""


class IssuerInfo(Response):
    """A trusted issuer. `keys` are the names of those that are known now, as the issuer gives them.

    `keys_fetched_at` is empty before the first time; `problem` says why the last one failed.
    """

    name: str
    url: str
    audiences: list[str]
    algorithms: list[str]
    jwks_url: str
    rules: list[IssuerRule]
    created_at: str
    keys: list[str]
    keys_fetched_at: str
    problem: str


class IssuerList(Response):
    """`GET /v1/issuers`, by name."""

    issuers: list[IssuerInfo]


class IssuerTested(Response):
    """Answer of `POST /v1/issuers/{name}/test`.

    `actor` is whom the token stands for, `vaults` its roles by name, `role` a user's instance role,
    `expires_at` when that ends; empty without a token, or when `problem` says why there is nobody.
    """

    keys: list[str]
    problem: str = ""
    actor: str = ""
    vaults: dict[str, str] = msgspec.field(default_factory=dict)
    role: str = ""
    expires_at: str = ""
