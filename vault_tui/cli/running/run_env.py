"""The environment of a command under `vault-tui run`: pure, from facts to variables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from proxy_core.base import variables
from proxy_core.domain.service_document import credential_keys, parse_service

# Never the command's: what proves an operator or names one's own token.
OPERATOR_VARIABLES = frozenset(
    {
        variables.MASTER_PASSWORD,
        variables.MASTER_PASSWORD_FILE,
        variables.DATABASE_URL,
        variables.TOKEN,
        variables.ADDR,
    }
)
# Read by OpenSSL and curl, Python, git, Deno, the AWS tools, pip, cargo and npm.
BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "DENO_CERT",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "npm_config_cafile",
)
_ALWAYS_DIRECT = ("localhost", "127.0.0.1", "::1")
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the variables are made of. `proxy` is `host:port`, which is spoken to over TLS when
    `proxy_tls`; paths are absolute.
    """

    api: str
    proxy: str
    vault: str
    token: str = field(repr=False)
    bundle_path: str
    ca_path: str
    proxy_tls: bool = False


def build_environment(
    inherited: Mapping[str, str], facts: RunFacts, placeholders: Mapping[str, str]
) -> dict[str, str]:
    """The command's whole environment.

    `placeholders` (by variable) replace what is inherited under these names and add nothing.
    """
    environment = {k: v for k, v in inherited.items() if k not in OPERATOR_VARIABLES}
    environment.update({k: v for k, v in placeholders.items() if k in environment})
    scheme = "https" if facts.proxy_tls else "http"
    proxy = f"{scheme}://{facts.token}:{facts.vault}@{facts.proxy}"
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        environment[name] = environment[name.lower()] = proxy
    direct = no_proxy(inherited, facts.api)
    environment["NO_PROXY"] = environment["no_proxy"] = direct
    environment |= dict.fromkeys(BUNDLE_VARIABLES, facts.bundle_path)
    return environment | {
        variables.AGENT_ADDR: facts.api,
        variables.AGENT_TOKEN: facts.token,
        # Where clients of the same protocol look for it.
        variables.AGENT_SESSION_TOKEN: facts.token,
        variables.AGENT_VAULT: facts.vault,
        "NODE_EXTRA_CA_CERTS": facts.ca_path,
        "NODE_USE_ENV_PROXY": "1",
    }


def no_proxy(inherited: Mapping[str, str], api: str) -> str:
    """This machine, the API's host, and what the user already excluded; each once."""
    given = f"{inherited.get('NO_PROXY', '')},{inherited.get('no_proxy', '')}"
    users = [entry for entry in re.split(r"[\s,]+", given) if entry]
    hosts = [*_ALWAYS_DIRECT, urlsplit(api).hostname or "", *users]
    return ",".join(dict.fromkeys(filter(None, hosts)))


def placeholders_for(documents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """For each credential key of the services, the text that stands for it in an environment.

    A key that a service substitutes gets its placeholder, so that a program which puts the value
    into a URL still works; any other key gets a text that no upstream accepts.
    """
    found: dict[str, str] = {}
    for document in documents:
        service = parse_service({k: v for k, v in document.items() if k not in _STATISTICS})
        for key in credential_keys(service):
            found.setdefault(key, f"__{key.lower()}__")
        for substitution in service.substitutions:
            found[substitution.key] = substitution.placeholder
    return found


_STATISTICS = frozenset({"hits", "last_hit_at"})


def reachable(proxy: str, worker_host: str) -> str:
    """`proxy` as a client can dial it: a wildcard address becomes the worker's own host."""
    parts = urlsplit(proxy if "://" in proxy else f"//{proxy}")
    host, port = parts.hostname or "127.0.0.1", parts.port
    if worker_host and worker_host not in _ALWAYS_DIRECT:
        host = worker_host
    host = _ANY_ADDRESS.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
