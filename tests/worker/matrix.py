"""Who may call what: each endpoint once, with those whom it serves.

`docs/access.md` is made of it: `python -m tests.worker.matrix > docs/access.md`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Agents unless told otherwise; `elsewhere` is an admin of another vault than the one asked about.
IN_VAULT = ("proxy", "member", "admin")
ROLES: dict[str, str] = {
    "anyone": "over TCP, without a token",
    "peer": "a process at the control socket, without an operator session",
    "operator": "with an operator session at the control socket",
    "agent": "an agent without a vault and without an instance role",
    "elsewhere": "an agent with the role admin in another vault",
    "proxy": "an agent with the role proxy in the vault",
    "member": "an agent with the role member in the vault",
    "admin": "an agent with the role admin in the vault",
    "maker": "an agent with the instance role member, without a vault",
    "owner": "an agent with the instance role owner, without a vault",
    "session": "a scoped session of the vault",
    "user-nobody": "a user without a vault and without an instance role",
    "user": "a user with the instance role member, without a vault",
    "user-proxy": "a user with the role proxy in the vault",
    "user-member": "a user with the role member in the vault",
    "user-admin": "a user with the role admin in the vault",
    "user-owner": "a user with the instance role owner, password proved lately",
}
EVERYONE = frozenset(ROLES)
ALIKE: frozenset[str] = frozenset()
"""What is sent proves itself, or proves nothing: whose token comes along changes nothing."""
USERS = frozenset(role for role in ROLES if role.startswith("user"))
TOKENS = EVERYONE - {"anyone", "peer"}
RULERS = frozenset({"operator", "user-owner"})
MEMBERS = frozenset({"member", "admin", "user-member", "user-admin", *RULERS})
GRANTED = frozenset({"proxy", "session", "user-proxy", *MEMBERS})
READERS = MEMBERS | {"peer"}
ADMINS = frozenset({"admin", "user-admin", *RULERS})
OWNERS = frozenset({"owner", *RULERS})
MAKERS = OWNERS | {"maker", "user"}
ON_SOCKET = frozenset({"peer", "operator"})
# These concern any of the caller's vaults: who has the role in another one is served, of that one.
WATCHERS = READERS | {"owner", "elsewhere"}
DECIDERS = frozenset({"user-member", "user-admin", *RULERS})
AUDITORS = ADMINS | {"owner", "elsewhere"}
ONESELF = USERS | {"operator"}


@dataclass(frozen=True)
class Row:
    """One endpoint, asked for what exists nowhere: whoever is let in changes nothing.

    `query` and `body` belong to the request. `harms`: those whom it serves are not asked here,
    since it would end what the others need.
    """

    method: str
    path: str
    allowed: frozenset[str]
    body: Any = None
    query: str = ""
    harms: bool = False

    @property
    def url(self) -> str:
        """The path filled in."""
        parts = self.path.split("/")
        filled = ["not-there" if part.startswith("{") else part for part in parts]
        if "vaults" in filled and filled[-1] != "vaults":
            filled[filled.index("vaults") + 1] = "default"
        if "{number}" in parts:
            filled[parts.index("{number}")] = "4711"
        return "/".join(filled) + (f"?{self.query}" if self.query else "")


def _rows(path: str, *rows: tuple[Any, ...]) -> Iterator[Row]:
    """Rows below one path: method, rest of the path, allowed, and a body where there is one."""
    for method, rest, allowed, *body in rows:
        yield Row(method, path + rest, allowed, *body)


SLOT = {"slot": "nonsense", "secret": "x"}
NAME = {"name": "!"}
TABLE: tuple[Row, ...] = (
    *_rows(
        "",
        ("GET", "/health", EVERYONE),
        ("GET", "/openapi.json", EVERYONE),
        ("GET", "/v1/status", EVERYONE),
        ("GET", "/v1/mitm/ca.pem", EVERYONE),
        ("GET", "/v1/service-catalog", EVERYONE),
        ("GET", "/v1/skills/cli", EVERYONE),
        ("GET", "/metrics", OWNERS | {"peer"}),
    ),
    Row("GET", "/discover", GRANTED | {"peer"}, query="vault=default"),
    # --- the key
    Row("POST", "/v1/init", ON_SOCKET, SLOT),
    Row("POST", "/v1/unseal", ON_SOCKET, SLOT),
    Row("POST", "/v1/unlock", ON_SOCKET, SLOT),
    Row("POST", "/v1/lock", ON_SOCKET, harms=True),
    Row("POST", "/v1/seal", RULERS, harms=True),
    Row("GET", "/v1/seal/slots", RULERS | {"peer"}),
    Row("POST", "/v1/seal/slots", RULERS, SLOT),
    Row("POST", "/v1/seal/slots/{slot_id}", RULERS, {"secret": "x"}),
    Row("DELETE", "/v1/seal/slots/{slot_id}", RULERS),
    Row("POST", "/v1/seal/rotate", frozenset({"operator"}), {"drop": ["not-there"]}),
    Row("POST", "/v1/backup", frozenset({"operator"}), {"path": "not-absolute"}),
    # --- vaults
    *_rows(
        "/v1/vaults",
        ("GET", "", EVERYONE - {"anyone"}),
        ("POST", "", MAKERS, NAME),
        ("DELETE", "/{vault}", ADMINS),
        ("POST", "/{vault}/rename", ADMINS, NAME),
        ("GET", "/{vault}/settings", READERS),
        ("PATCH", "/{vault}/settings", ADMINS, {"unmatched_host_policy": "?"}),
        ("GET", "/{vault}/source", READERS),
        ("PUT", "/{vault}/source", RULERS, {"type": "?", "url": "?", "path": "?"}),
        ("POST", "/{vault}/source/poll", RULERS),
        ("DELETE", "/{vault}/source", RULERS),
        ("GET", "/{vault}/logs", READERS),
        ("GET", "/{vault}/discovered-hosts", READERS),
        ("GET", "/{vault}/agents", READERS),
        ("POST", "/{vault}/agents", ADMINS, {"name": "not-there"}),
        ("DELETE", "/{vault}/agents/{agent}", ADMINS),
        ("POST", "/{vault}/agents/{agent}/role", ADMINS, {"role": "proxy"}),
        ("GET", "/{vault}/users", READERS),
        ("POST", "/{vault}/users", ADMINS, {"email": "not-there"}),
        ("DELETE", "/{vault}/users/{email}", ADMINS),
        ("POST", "/{vault}/users/{email}/role", ADMINS, {"role": "proxy"}),
    ),
    # --- credentials and services
    Row("GET", "/v1/credentials", GRANTED | {"peer"}, query="vault=default"),
    Row("GET", "/v1/credentials", MEMBERS, query="vault=default&reveal=true"),
    *_rows(
        "/v1/credentials",
        ("POST", "", MEMBERS, {"credentials": {"bad key": "x"}}),
        ("DELETE", "", MEMBERS, {"keys": ["NOT_THERE"]}),
        ("GET", "/{key}/versions", READERS),
        ("POST", "/{key}/restore", MEMBERS, {"version": 1}),
        ("GET", "/{key}/command", READERS),
        ("PUT", "/{key}/command", RULERS, {"argv": []}),
        ("POST", "/{key}/approve", RULERS, {"digest": "x"}),
        ("POST", "/{key}/test", RULERS, {}),
        ("POST", "/oauth/connect", MEMBERS, {"key": "bad key"}),
        ("POST", "/oauth/tokens", MEMBERS, {"key": "bad key", "access_token": "x"}),
        ("POST", "/oauth/refresh", MEMBERS, {"key": "NOT_THERE"}),
    ),
    Row("GET", "/v1/credentials/oauth/status", READERS, query="key=NOT_THERE"),
    *_rows(
        "/v1/oauth",
        ("GET", "/providers", EVERYONE),
        ("GET", "/callback", ALIKE),
        ("POST", "/discover", MEMBERS, {"issuer": "not a URL"}),
        ("POST", "/accounts/connect", MEMBERS, {}),
        # A flow says itself whose it is: here there is none.
        ("GET", "/flows/{flow_id}", TOKENS),
        ("POST", "/flows/{flow_id}/complete", TOKENS, {"pasted": "code"}),
        ("DELETE", "/flows/{flow_id}", TOKENS),
    ),
    *_rows(
        "/v1/vaults/{vault}/services",
        ("GET", "", READERS),
        ("POST", "", MEMBERS, {"services": [{}]}),
        ("PUT", "", MEMBERS, {"services": [{}]}),
        ("DELETE", "", MEMBERS),
        ("PATCH", "/{name}", MEMBERS, {"enabled": False}),
        ("DELETE", "/{name}", MEMBERS),
        ("POST", "/test", READERS, {"url": "https://example.com/"}),
    ),
    Row("GET", "/v1/vaults/{vault}/services/credential-usage", READERS, query="key=K"),
    # --- accounts and pools
    *_rows(
        "/v1/accounts",
        ("GET", "", READERS),
        ("POST", "", MEMBERS, {"provider": "?", "tokens": {}}),
        ("GET", "/{name}", READERS),
        ("PATCH", "/{name}", MEMBERS, {}),
        ("DELETE", "/{name}", MEMBERS),
        ("POST", "/{name}/restore", MEMBERS),
        ("POST", "/{name}/use", MEMBERS),
        ("POST", "/{name}/pause", MEMBERS),
        ("POST", "/{name}/resume", MEMBERS),
        ("POST", "/{name}/refresh", MEMBERS),
        ("POST", "/{name}/quota", MEMBERS),
        ("POST", "/{name}/pin", OWNERS, {"agent": "not-there"}),
        ("POST", "/unpin", OWNERS, {"agent": "not-there"}),
    ),
    *_rows(
        "/v1/pools",
        ("GET", "", READERS),
        ("POST", "", MEMBERS, {"key": "bad key", "accounts": []}),
        ("GET", "/{key}", READERS),
        ("PATCH", "/{key}", MEMBERS, {}),
        ("DELETE", "/{key}", MEMBERS),
        ("GET", "/{key}/choices", READERS),
        ("POST", "/{key}/accounts", MEMBERS, {"accounts": []}),
        ("DELETE", "/{key}/accounts/{name}", MEMBERS),
    ),
    # --- sessions and agents
    Row("POST", "/v1/sessions", MEMBERS, {"vault": "default", "ttl_seconds": 1}),
    Row("GET", "/v1/sessions", READERS, query="vault=default"),
    Row("DELETE", "/v1/sessions/{session_id}", MEMBERS, query="vault=default"),
    *_rows(
        "/v1/agents",
        ("POST", "", OWNERS, NAME),
        ("GET", "", OWNERS | {"peer"}),
        ("GET", "/{name}", OWNERS | {"peer"}),
        ("DELETE", "/{name}", OWNERS),
        ("POST", "/{name}/rotate", OWNERS),
        ("POST", "/{name}/rename", OWNERS, {"name": "other-name"}),
        ("POST", "/{name}/role", OWNERS, {"role": "owner"}),
        ("POST", "/{name}/account", OWNERS, {"account": ""}),
    ),
    # --- people
    *_rows(
        "/v1/auth",
        ("POST", "/login", ALIKE, {"email": "not-there", "password": "wrong"}),
        ("POST", "/accept-invite", ALIKE, {"token": "wrong", "password": "a long password"}),
        ("POST", "/reauth", USERS, {"password": "wrong"}),
        ("POST", "/change-password", USERS, {"current_password": "x", "new_password": "y"}),
        ("GET", "/me", EVERYONE - {"anyone"}),
        ("GET", "/sessions", ONESELF),
        ("DELETE", "/sessions/{session_id}", ONESELF),
    ),
    # Whoever has not signed in has nothing to end, and is told so no more than that it is done.
    Row("POST", "/v1/auth/logout", EVERYONE - {"anyone"}, harms=True),
    *_rows(
        "/v1/users",
        ("GET", "", frozenset({"peer", "user", *RULERS})),
        ("POST", "", RULERS, {"email": "!", "password": "x"}),
        ("GET", "/{email}", RULERS | {"peer"}),
        ("DELETE", "/{email}", RULERS),
        ("POST", "/{email}/role", RULERS, {"role": "owner"}),
        ("GET", "/invites", RULERS),
        ("POST", "/invites", RULERS, {"email": "!"}),
        ("DELETE", "/invites/{invite}", RULERS),
        ("POST", "/invites/{invite}/reinvite", RULERS),
        ("GET", "/invites/{invite}/details", ALIKE),
        ("POST", "/invites/{invite}/accept", ALIKE, {"password": "a long password"}),
    ),
    # --- what waits
    Row("GET", "/v1/proposals", GRANTED | {"peer"}, query="vault=default"),
    Row("POST", "/v1/proposals", GRANTED, {}, query="vault=default"),
    Row("GET", "/v1/proposals/{number}", GRANTED | {"peer"}, query="vault=default"),
    Row("GET", "/v1/proposals/approve-details", ALIKE, query="token=wrong&id=1"),
    *_rows(
        "/v1/admin/proposals",
        ("GET", "", READERS),
        ("GET", "/{number}", READERS),
        ("POST", "/{number}/approve", MEMBERS),
        ("POST", "/{number}/reject", MEMBERS),
        ("POST", "/{number}/reveal", MEMBERS, {"key": "NOT_THERE"}),
    ),
    *_rows(
        "/approve/{number}",
        ("GET", "", ALIKE),
        ("POST", "", ALIKE),
        ("POST", "/sign-in", ALIKE),
        ("POST", "/sign-out", ALIKE),
        ("POST", "/connect", ALIKE),
        ("POST", "/complete", ALIKE),
    ),
    Row("GET", "/approve/back/{flow_id}", ALIKE),
    *_rows(
        "/v1",
        ("GET", "/holds", WATCHERS),
        ("GET", "/holds/{hold_id}", WATCHERS),
        ("POST", "/holds/{hold_id}/approve", DECIDERS, {"for": "1h"}),
        ("POST", "/holds/{hold_id}/deny", DECIDERS),
        ("GET", "/grants", WATCHERS),
        ("DELETE", "/grants/{grant_id}", DECIDERS),
    ),
    *_rows(
        "/v1/devices",
        ("GET", "", OWNERS | {"peer"}),
        ("GET", "/requests", OWNERS | {"peer"}),
        ("POST", "/requests/{code}/approve", RULERS, {}),
        ("POST", "/requests/{code}/deny", RULERS),
        ("DELETE", "/{device_id}", RULERS),
    ),
    *_rows(
        "/v1/vaults/{vault}/claude-settings",
        ("GET", "", READERS),
        ("PUT", "", frozenset({"user-admin", *RULERS}), {"settings": "not settings"}),
        ("DELETE", "", frozenset({"user-admin", *RULERS})),
    ),
    # --- the worker
    Row("GET", "/v1/events", WATCHERS),
    Row("GET", "/v1/audit", AUDITORS),
    Row("GET", "/v1/audit/verify", OWNERS),
    Row("GET", "/v1/admin/settings", OWNERS | {"peer"}),
    Row("PATCH", "/v1/admin/settings", OWNERS, {"settings": {"no-such": 1}}),
    *_rows(
        "/v1/webhooks",
        ("GET", "", OWNERS),
        ("POST", "", RULERS, {"url": "not a URL"}),
        ("PATCH", "/{webhook_id}", RULERS, {"enabled": True}),
        ("POST", "/{webhook_id}/rotate", RULERS),
        ("POST", "/{webhook_id}/test", RULERS),
        ("DELETE", "/{webhook_id}", RULERS),
    ),
    *_rows(
        "/v1/issuers",
        ("GET", "", OWNERS),
        ("POST", "", RULERS, {"name": "!", "url": "x", "audiences": [], "rules": []}),
        ("PUT", "/{name}", RULERS, {"url": "not a URL", "audiences": [], "rules": []}),
        ("DELETE", "/{name}", RULERS),
        ("POST", "/{name}/test", RULERS, {}),
    ),
)


def page() -> str:
    """`docs/access.md`."""
    lines = [
        "# Who may call what",
        "",
        "Each endpoint of the API, asked by everybody: `tests/worker/test_matrix.py` does so, and",
        "fails when this page is wrong. `✓` is served; `·` is refused, with 401 where there is no",
        "token and 403 where there is one; `=` means that what is sent proves itself, whoever",
        "sends it. All of them ask about the same vault.",
        "",
        *(f"- **{role}**: {meaning}" for role, meaning in ROLES.items()),
        "",
        f"| endpoint | {' | '.join(ROLES)} |",
        f"| --- |{' --- |' * len(ROLES)}",
    ]
    for row in TABLE:
        shown = f"`{row.method} {row.path}{'?' + row.query if 'reveal' in row.query else ''}`"
        marks = ["=" if row.allowed is ALIKE else "✓" if r in row.allowed else "·" for r in ROLES]
        lines.append(f"| {shown} | {' | '.join(marks)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(page(), end="")
