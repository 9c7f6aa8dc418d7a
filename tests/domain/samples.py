"""Strategies and builders that several tests of the rules share."""

from collections.abc import Callable

from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ingress, RequestFacts
from proxy_core.domain.service import (
    Action,
    Auth,
    AuthType,
    Rule,
    Service,
    Substitution,
    Surface,
)

BEARER = Auth(AuthType.BEARER, token="TOKEN")

keys = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
slugs = st.from_regex(r"[a-z0-9]{1,8}-[a-z0-9]{1,8}", fullmatch=True)
labels = st.sampled_from(["api", "www", "eu", "x"])
domains = st.sampled_from(["example.com", "example.org", "slack.com"])
hosts = st.builds("{}.{}".format, labels, domains) | domains
host_patterns = hosts | st.builds("*.{}".format, domains)
ports = st.sampled_from([0, 0, 443, 8443])
globs = st.just("") | st.from_regex(r"/(a|b|c/|\*(?!\*)){0,5}", fullmatch=True).filter(
    lambda glob: "**" not in glob and "//" not in glob
)
header_names = st.sampled_from(["Authorization", "X-Key", "X-Tenant", "Api-Key"])

auths = st.one_of(
    st.builds(Auth, st.just(AuthType.BEARER), token=keys),
    st.builds(Auth, st.just(AuthType.BASIC), username=keys, password=st.just("") | keys),
    st.builds(
        Auth,
        st.just(AuthType.API_KEY),
        key=keys,
        header=header_names,
        prefix=st.sampled_from(["", "Token ", "Bot "]),
    ),
    st.builds(
        Auth,
        st.just(AuthType.CUSTOM),
        headers=st.dictionaries(
            header_names, st.builds("p {{{{ {} }}}} s".format, keys) | st.just("v"), min_size=1
        ).map(lambda headers: tuple(headers.items())),
    ),
    st.just(Auth(AuthType.PASSTHROUGH)),
    st.builds(
        Auth,
        st.just(AuthType.AWS_SIGV4),
        access_key_id=keys,
        secret_access_key=keys,
        session_token=st.just("") | keys,
        region=st.sampled_from(["", "eu-west-1"]),
        service=st.sampled_from(["", "bedrock"]),
    ),
    st.builds(
        Auth,
        st.just(AuthType.AWS_SIGV4),
        access_key_id=keys,
        # No sample substitutes it: what a role's keys are lent for is never sent.
        secret_access_key=st.builds("OF_{}_USERS".format, keys),
        role_arn=st.sampled_from(
            ["arn:aws:iam::123456789012:role/agents", "arn:aws:iam::123456789012:role/a/b/c@d"]
        ),
        external_id=st.sampled_from(["", "acme:1/2"]),
        session_name=st.sampled_from(["", "agents"]),
        duration=st.sampled_from([0, 900, 43_200]),
    ),
    st.builds(Auth, st.just(AuthType.GCP), key=keys, scope=st.sampled_from(["", "a b"])),
    st.builds(Auth, st.just(AuthType.AZURE), key=keys),
    st.builds(
        Auth,
        st.just(AuthType.AZURE),
        tenant=st.just("acme.example"),
        client_id=st.just("1-2"),
        client_secret=keys,
        scope=st.sampled_from(["", "https://management.azure.com/.default"]),
    ),
    st.builds(
        Auth,
        st.just(AuthType.GITHUB_APP),
        app_id=st.sampled_from(["12345", "Iv1.abc"]),
        installation_id=st.just("678"),
        private_key=keys,
    ),
)
surfaces = st.frozensets(st.sampled_from(Surface), min_size=1)
substitutions = st.lists(
    st.builds(Substitution, keys, st.from_regex(r"__[a-z]{1,6}__", fullmatch=True), surfaces),
    max_size=3,
    unique_by=lambda item: item.placeholder,
).map(tuple)
rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from(Action),
        st.frozensets(st.sampled_from(["GET", "POST", "DELETE"])),
        globs,
    ),
    max_size=3,
).map(tuple)
services = st.builds(
    Service,
    name=slugs,
    host=host_patterns,
    auth=auths,
    port=ports,
    path=globs,
    enabled=st.booleans(),
    substitutions=substitutions,
    rules=rules,
    allow_http=st.booleans(),
    scrub=st.booleans(),
)


covering = st.builds(
    Service, name=slugs, host=host_patterns, auth=st.just(BEARER), port=ports, path=globs
)
"""Services that differ in what they cover; cheap to draw in dozens."""


def refused(call: Callable[[], object]) -> VaultError | None:
    """The VaultError that a call raises, None when it returns."""
    try:
        call()
    except VaultError as error:
        return error
    return None


def service(name: str, host: str, path: str = "", port: int = 0, **more: object) -> Service:
    """A bearer service unless `more` says otherwise."""
    return Service(
        **{"name": name, "host": host, "path": path, "port": port, "auth": BEARER, **more}
    )  # type: ignore[arg-type]


def facts(
    path: str = "/", method: str = "GET", host: str = "api.example.com", scheme: str = "https"
) -> RequestFacts:
    """A request to the default host and port."""
    port = 443 if scheme == "https" else 80
    return RequestFacts(scheme, host, port, method, path, "", Ingress.CONNECT)
