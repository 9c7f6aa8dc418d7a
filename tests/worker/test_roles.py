"""Every route, asked by everybody."""

from dataclasses import dataclass
from typing import Any

import pytest

from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault
from tests.worker.harness import ThreadedWorker

# Those that begin with `user` signed in over the network; the others with a role are agents.
MEMBERS = frozenset({"member", "admin", "operator", "user-member", "user-admin", "user-owner"})
GRANTED = frozenset({"proxy", "session", "user-proxy", *MEMBERS})
EVERYONE = frozenset({"anonymous", "owner", "peer", "user-nobody", "user", *GRANTED})
TOKENS = EVERYONE - {"anonymous", "peer"}
READERS = MEMBERS | {"peer"}
ADMINS = frozenset({"admin", "operator", "user-admin", "user-owner"})
OWNERS = frozenset({"owner", "operator", "user-owner"})
RULERS = frozenset({"operator", "user-owner"})
MAKERS = OWNERS | {"user"}
HOLDS = READERS | {"owner"}
DECIDERS = frozenset({"operator", "user-member", "user-admin", "user-owner"})
PEOPLE = frozenset({"operator", "peer", "user", "user-owner"})
USERS = frozenset({role for role in EVERYONE if role.startswith("user")})
ON_SOCKET = frozenset({"peer", "operator"})

# What is asked exists nowhere, so whoever is let in gets 200, 400 or 404 and changes nothing.
S = "/v1/vaults/default/services"
ROUTES: list[tuple[str, str, Any, frozenset[str]]] = [
    ("GET", "/health", None, EVERYONE),
    ("GET", "/v1/status", None, EVERYONE),
    ("GET", "/v1/mitm/ca.pem", None, EVERYONE),
    ("GET", "/v1/service-catalog", None, EVERYONE),
    ("GET", "/openapi.json", None, EVERYONE),
    ("GET", "/discover?vault=default", None, GRANTED | {"peer"}),
    ("POST", "/v1/init", {"slot": "nonsense", "secret": "x"}, ON_SOCKET),
    ("POST", "/v1/unseal", {"slot": "nonsense", "secret": "x"}, ON_SOCKET),
    ("POST", "/v1/unlock", {"slot": "nonsense", "secret": "x"}, ON_SOCKET),
    ("POST", "/v1/seal/slots", {"slot": "nonsense", "secret": "x"}, RULERS),
    ("GET", "/v1/seal/slots", None, ON_SOCKET | RULERS),
    ("GET", "/v1/vaults", None, EVERYONE - {"anonymous"}),
    ("POST", "/v1/vaults", {"name": "!"}, MAKERS),
    ("DELETE", "/v1/vaults/default", None, ADMINS),
    ("POST", "/v1/vaults/default/rename", {"name": "!"}, ADMINS),
    ("GET", "/v1/audit", None, ADMINS | {"owner"}),
    ("GET", "/v1/audit?vault=default", None, ADMINS | {"owner"}),
    ("GET", "/v1/audit/verify", None, OWNERS),
    ("GET", "/v1/vaults/default/settings", None, READERS),
    ("PATCH", "/v1/vaults/default/settings", {"unmatched_host_policy": "?"}, ADMINS),
    ("GET", "/v1/credentials", None, GRANTED | {"peer"}),
    ("GET", "/v1/credentials?reveal=true", None, MEMBERS),
    ("POST", "/v1/credentials", {"credentials": {"bad key": "x"}}, MEMBERS),
    ("DELETE", "/v1/credentials", {"keys": ["NOT_THERE"]}, MEMBERS),
    ("GET", "/v1/credentials/NOT_THERE/versions", None, READERS),
    ("POST", "/v1/credentials/NOT_THERE/restore", {"version": 1}, MEMBERS),
    ("GET", "/v1/oauth/providers", None, EVERYONE),
    ("GET", "/v1/oauth/callback?state=not-there", None, EVERYONE),
    ("POST", "/v1/oauth/discover", {"issuer": "not a URL"}, MEMBERS),
    ("POST", "/v1/credentials/oauth/connect", {"key": "bad key"}, MEMBERS),
    ("POST", "/v1/oauth/accounts/connect", {}, MEMBERS),
    # A flow says itself whose it is: here there is none.
    ("GET", "/v1/oauth/flows/not-there", None, TOKENS),
    ("POST", "/v1/oauth/flows/not-there/complete", {"pasted": "code"}, TOKENS),
    ("DELETE", "/v1/oauth/flows/not-there", None, TOKENS),
    ("GET", S, None, READERS),
    ("POST", S, {"services": [{}]}, MEMBERS),
    ("PUT", S, {"services": [{}]}, MEMBERS),
    ("DELETE", S, None, MEMBERS),
    ("PATCH", f"{S}/not-there", {"enabled": False}, MEMBERS),
    ("DELETE", f"{S}/not-there", None, MEMBERS),
    ("GET", f"{S}/credential-usage?key=K", None, READERS),
    ("POST", f"{S}/test", {"url": "https://example.com/"}, READERS),
    ("POST", "/v1/sessions", {"vault": "default", "ttl_seconds": 1}, MEMBERS),
    ("GET", "/v1/sessions?vault=default", None, READERS),
    ("DELETE", "/v1/sessions/not-there", None, MEMBERS),
    ("POST", "/v1/agents", {"name": "!"}, OWNERS),
    ("GET", "/v1/agents", None, OWNERS | {"peer"}),
    ("GET", "/v1/agents/not-there", None, OWNERS | {"peer"}),
    ("DELETE", "/v1/agents/not-there", None, OWNERS),
    ("POST", "/v1/agents/not-there/rotate", None, OWNERS),
    ("POST", "/v1/agents/not-there/rename", {"name": "other-name"}, OWNERS),
    ("POST", "/v1/agents/not-there/role", {"role": "owner"}, OWNERS),
    ("POST", "/v1/agents/not-there/account", {"account": ""}, OWNERS),
    ("GET", "/v1/vaults/default/agents", None, READERS),
    ("POST", "/v1/vaults/default/agents", {"name": "not-there"}, ADMINS),
    ("DELETE", "/v1/vaults/default/agents/not-there", None, ADMINS),
    ("POST", "/v1/vaults/default/agents/not-there/role", {"role": "proxy"}, ADMINS),
    ("GET", "/v1/holds", None, HOLDS),
    ("GET", "/v1/holds/not-there", None, HOLDS),
    ("POST", "/v1/holds/not-there/approve", {"for": "1h"}, DECIDERS),
    ("POST", "/v1/holds/not-there/deny", None, DECIDERS),
    ("GET", "/v1/grants", None, HOLDS),
    ("DELETE", "/v1/grants/not-there", None, DECIDERS),
    ("GET", "/v1/webhooks", None, OWNERS),
    ("POST", "/v1/webhooks", {"url": "not a URL"}, RULERS),
    ("PATCH", "/v1/webhooks/not-there", {"enabled": True}, RULERS),
    ("POST", "/v1/webhooks/not-there/rotate", None, RULERS),
    ("POST", "/v1/webhooks/not-there/test", None, RULERS),
    ("DELETE", "/v1/webhooks/not-there", None, RULERS),
    ("GET", "/v1/auth/me", None, EVERYONE - {"anonymous"}),
    ("GET", "/v1/auth/sessions", None, USERS | {"operator"}),
    ("DELETE", "/v1/auth/sessions/not-there", None, USERS | {"operator"}),
    ("GET", "/v1/users", None, PEOPLE),
    ("POST", "/v1/users", {"email": "!", "password": "x"}, RULERS),
    ("GET", "/v1/users/not-there", None, RULERS | {"peer"}),
    ("DELETE", "/v1/users/not-there", None, RULERS),
    ("POST", "/v1/users/not-there/role", {"role": "owner"}, RULERS),
    ("GET", "/v1/users/invites", None, RULERS),
    ("POST", "/v1/users/invites", {"email": "!"}, RULERS),
    ("DELETE", "/v1/users/invites/not-there", None, RULERS),
    ("GET", "/v1/vaults/default/users", None, READERS),
    ("POST", "/v1/vaults/default/users", {"email": "not-there"}, ADMINS),
    ("DELETE", "/v1/vaults/default/users/not-there", None, ADMINS),
    ("POST", "/v1/vaults/default/users/not-there/role", {"role": "proxy"}, ADMINS),
    ("GET", "/v1/vaults/default/logs", None, READERS),
    ("GET", "/v1/vaults/default/discovered-hosts", None, READERS),
    ("GET", "/v1/admin/settings", None, OWNERS | {"peer"}),
    ("PATCH", "/v1/admin/settings", {"settings": {"no-such": 1}}, OWNERS),
]


@dataclass
class Cast:
    """A worker and a token for each role that has one."""

    worker: ThreadedWorker
    tokens: dict[str, str]
    documented: dict[tuple[str, str], set[int]]

    def statuses(self, method: str, path: str) -> set[int]:
        """What the API's description says that a request may be answered with."""
        parts = path.partition("?")[0].split("/")
        for (known, template), statuses in self.documented.items():
            pieces = template.split("/")
            fits = len(pieces) == len(parts) and all(
                piece == part or piece.startswith("{")
                for piece, part in zip(pieces, parts, strict=True)
            )
            if known == method and fits:
                return statuses
        return {200}


@pytest.fixture(scope="module")
def cast(worker: ThreadedWorker) -> Cast:
    """One token for each role."""
    client = worker.client()
    tokens = {"anonymous": "", "peer": ""}
    for role in ("proxy", "member", "admin"):
        grant = [AgentVault(vault_name="default", vault_role=role)]
        tokens[role] = client.send(calls.create_agent(f"agent-{role}", vaults=grant)).av_agent_token
    owner = client.send(calls.create_agent("agent-owner", role="owner", vaults=[]))
    tokens["owner"] = owner.av_agent_token
    tokens["session"] = client.send(calls.create_session("default")).token
    for name, role, vault in (
        ("user-nobody", "no-access", ""),
        ("user", "member", ""),
        ("user-owner", "owner", ""),
        ("user-proxy", "no-access", "proxy"),
        ("user-member", "no-access", "member"),
        ("user-admin", "no-access", "admin"),
    ):
        worker.add_user(name, role, **({"default": vault} if vault else {}))
        tokens[name] = worker.sign_in(name)
    operators = worker.running.app.operators
    tokens["operator"] = worker.in_loop(operators.open, None, "tester").token
    client.send(calls.lock())
    described = worker.ask("GET", "/openapi.json").json["paths"]
    documented = {
        (method.upper(), path): {int(status) for status in operation["responses"]}
        for path, item in described.items()
        for method, operation in item.items()
    }
    return Cast(worker, tokens, documented)


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"), ROUTES, ids=[f"{m} {p}" for m, p, _, _ in ROUTES]
)
def test_route_by_role(
    cast: Cast, role: str, method: str, path: str, body: Any, allowed: frozenset[str]
) -> None:
    """A route serves exactly the roles listed for it, tells the others why, as it documents."""
    on_socket = role in {"peer", "operator"}
    answer = cast.worker.ask(method, path, token=cast.tokens[role], body=body, tcp=not on_socket)
    assert answer.status in cast.statuses(method, path)
    if role in allowed:
        assert answer.status not in {401, 403, 405, 500}, answer.body
    elif role == "anonymous":
        assert (answer.status, answer.json["error"]) == (401, "unauthorized")
    elif role == "peer":
        assert (answer.status, answer.json["error"]) == (403, "operator_required")
    else:
        assert answer.status == 403
        assert answer.json["error"] in {"role_forbidden", "vault_forbidden"}
