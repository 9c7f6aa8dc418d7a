"""Accounts, pools and logins of the scripted worker."""

from typing import Any

import msgspec

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call
from proxy_core.domain import wire

CODE = "code-of-the-fake"
URL = "https://login.example.com/authorize?response_type=code&client_id=c1&state=abc"


class FakeAccounts:
    """`accounts` and `pools` are lists that a test may change; `flows` by id."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.accounts: list[wire.AccountInfo] = []
        self.removed: list[wire.AccountInfo] = []
        self.pools: list[wire.PoolInfo] = []
        self.latest: list[wire.AccountChoice] = []
        self.flows: dict[str, wire.OAuthFlow] = {}
        self.started: list[Any] = []

    # --- the test's side ----------------------------------------------------------------------

    def account(self, nickname: str, **changes: Any) -> wire.AccountInfo:
        """An account; every field can be changed."""
        now = self.clock.time()
        values: dict[str, Any] = {
            "id": f"id-{nickname}", "provider": "claude", "email": f"{nickname}@example.com",
            "nickname": nickname, "tier": "max_20x", "priority": len(self.accounts),
            "default": not self.accounts, "paused": False, "created_at": rfc3339(now - 864000),
            "last_used_at": rfc3339(now - 4), "expires_at": rfc3339(now + 2835),
            "state": "active", "until": None, "why": "", "windows": [], "limited": {},
            "pools": ["ANTHROPIC"], "in_flight": 0, "next_refresh_at": rfc3339(now + 2535),
            "last_refresh_at": rfc3339(now - 765), "refresh_count": 12, "last_error": "",
            "quota_error": "", "quota_asked_at": None,
        }  # fmt: skip
        made = wire.AccountInfo(**{**values, **changes})
        self.accounts.append(made)
        return made

    def window(self, name: str, used: float | None, **changes: Any) -> wire.QuotaWindow:
        """A window that is open for two hours more."""
        now = self.clock.time()
        values: dict[str, Any] = {
            "name": name, "used": used, "left": None if used is None else 1 - used,
            "resets_at": rfc3339(now + 8043), "status": "allowed", "family": "",
            "warns": used is not None and used >= 0.8, "observed_at": rfc3339(now - 9),
        }  # fmt: skip
        return wire.QuotaWindow(**{**values, **changes})

    def pool(self, key: str, *members: str, **changes: Any) -> wire.PoolInfo:
        """A pool of accounts by nickname."""
        settings = {
            "warn_left": 0.2, "move_left": 0.05, "reserve": 0.0, "allow_extra_usage": False
        }  # fmt: skip
        made = wire.PoolInfo(
            **{
                "key": key, "provider": "claude", "strategy": "default-first",
                "accounts": list(members), "settings": settings,
                "current": members[0] if members else "", **changes,
            }
        )  # fmt: skip
        self.pools.append(made)
        return made

    def furnish(self) -> None:
        """Three accounts as they are on a busy day."""
        now = self.clock.time()
        self.account(
            "work",
            in_flight=3,
            windows=[
                self.window("5h", 0.62, burn_per_hour=0.214, empty_in_seconds=6380.0),
                self.window(
                    "7d", 0.18, resets_at=rfc3339(now + 352800), burn_per_hour=0.006,
                    empty_in_seconds=492000.0,
                ),
                self.window("7d_opus", 0.0, resets_at=None, family="opus", status=""),
            ],
        )  # fmt: skip
        self.account(
            "spare",
            state="exhausted", until=rfc3339(now + 1453), why="its 5h window is used up",
            expires_at=rfc3339(now + 190), priority=1, default=False,
            windows=[
                self.window("5h", 1.0, resets_at=rfc3339(now + 1453), status="rejected"),
                self.window("7d", 0.83, resets_at=rfc3339(now + 90000)),
            ],
        )  # fmt: skip
        self.account(
            "lab", tier="", pools=[], state="reconnect", default=False,
            why="its login has to be connected again", expires_at=rfc3339(now - 60),
            next_refresh_at=None, last_error="invalid_grant: the token was revoked",
            last_used_at=None,
        )  # fmt: skip
        self.pool("ANTHROPIC", "work", "spare")
        self.latest = [
            wire.AccountChoice(
                at=rfc3339(now - 310), account="work", former="spare",
                reason="spare is exhausted: its 5h window is used up",
            ),
            wire.AccountChoice(
                at=rfc3339(now - 7200), account="spare", former="",
                reason="work is paused; next in the pool's order",
            ),
        ]  # fmt: skip

    def end_flow(self, **changes: Any) -> None:
        """The login under way changes: a callback has arrived, or the provider has refused."""
        for flow_id, flow in self.flows.items():
            self.flows[flow_id] = msgspec.structs.replace(flow, **changes)

    # --- answers ------------------------------------------------------------------------------

    def answer(self, call: Call[Any], parts: list[str], query: dict[str, str]) -> Any:
        """The answer to a call under /v1/accounts, /v1/pools or /v1/oauth; None: not one."""
        if parts[1] == "pools":
            return self._pools(call, parts[2:])
        if parts[1] == "oauth":
            return self._oauth(call, parts[2:])
        if parts[1:] == ["accounts"]:
            if call.method == "POST":
                return self._add(call.body.nickname or call.body.email.partition("@")[0])
            removed = query.get("removed") == "true"
            return wire.AccountList(accounts=list(self.removed if removed else self.accounts))
        return self._one(call, parts[2], parts[3] if len(parts) > 3 else "")

    def _find(self, name: str) -> wire.AccountInfo:
        return next(a for a in (*self.accounts, *self.removed) if name in (a.id, a.nickname))

    def _one(self, call: Call[Any], name: str, action: str) -> Any:
        found = self._find(name)
        if call.method == "DELETE":
            self.accounts.remove(found)
            self.removed.append(msgspec.structs.replace(found, removed_at=rfc3339(self.now)))
            until = rfc3339(self.now + 30 * 86400)
            return wire.AccountRemoved(name=name, removed=True, restorable_until=until)
        if action == "restore":
            self.removed.remove(found)
            self.accounts.append(found)
        elif action == "use":
            for other in self.accounts:
                self._put(other, default=other is found)
        elif action in {"pause", "resume"}:
            paused = action == "pause"
            self._put(found, paused=paused, state="paused" if paused else "active")
        elif action == "refresh":
            if found.state == "reconnect":
                raise VaultError("oauth_refresh_failed", "The account has to be connected anew.")
            self._put(found, refresh_count=found.refresh_count + 1)
        elif call.method == "PATCH":
            body = call.body
            given = {"nickname": body.nickname, "priority": body.priority}
            self._put(found, **{k: v for k, v in given.items() if v is not None})
        return self._find(found.id)

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.clock.time()

    def _put(self, account: wire.AccountInfo, **changes: Any) -> None:
        place = self.accounts.index(account)
        self.accounts[place] = msgspec.structs.replace(account, **changes)

    def _add(self, nickname: str) -> wire.AccountAdded:
        made = self.account(nickname or "new", windows=[], refresh_count=0)
        return wire.AccountAdded(account=made, pool="ANTHROPIC", created=True)

    def _pools(self, call: Call[Any], rest: list[str]) -> Any:
        if not rest and call.method == "GET":
            return wire.PoolList(pools=list(self.pools))
        if not rest:
            names = [self._find(one).nickname for one in call.body.accounts]
            return self.pool(call.body.key, *names, strategy=call.body.strategy)
        pool = next(pool for pool in self.pools if pool.key == rest[0])
        if rest[1:] == ["choices"]:
            return wire.PoolChoices(
                key=pool.key, next=pool.current, reason="the default account", until=None,
                latest=list(self.latest),
            )  # fmt: skip
        if call.method == "DELETE" and len(rest) == 1:
            self.pools.remove(pool)
            return wire.Deleted(name=pool.key)
        if call.method == "PATCH":
            changes = {"strategy": call.body.strategy, "settings": call.body.settings}
            changed = msgspec.structs.replace(pool, **changes)
        else:
            leaving = self._find(rest[2]).nickname if len(rest) > 2 else ""
            joining = [self._find(one).nickname for one in call.body.accounts] if call.body else []
            members = [name for name in pool.accounts if name != leaving] + joining
            changed = msgspec.structs.replace(pool, accounts=members)
        self.pools[self.pools.index(pool)] = changed
        return changed

    def _oauth(self, call: Call[Any], rest: list[str]) -> Any:
        if rest == ["providers"]:
            return wire.OAuthProviderList(providers=_PROVIDERS)
        if rest == ["accounts", "connect"]:
            return self.begin(call.body, "")
        flow = self.flows[rest[1]]
        if rest[2:] == ["complete"]:
            if call.body.pasted != CODE:
                raise VaultError("bad_request", "This code belongs to no login that is under way.")
            self.connected()
        elif call.method == "DELETE":
            self.end_flow(state="cancelled")
        return self.flows[flow.id]

    def begin(self, body: Any, key: str) -> wire.OAuthFlow:
        """A login begins."""
        self.started.append(body)
        device = body.grant == "device_code"
        kind = "device" if device else "direct" if body.grant else "headless"
        flow = wire.OAuthFlow(
            id=f"f{len(self.flows)}", state="pending", kind=kind, vault=body.vault, key=key,
            expires_at=rfc3339(self.now + 600), provider=body.provider,
            authorization_url="" if body.grant else URL,
            verification_uri="https://login.example.com/device" if device else "",
            user_code="WDJB-MJHT" if device else "",
        )  # fmt: skip
        self.flows = {flow.id: flow}
        if kind == "direct":
            self.connected()
        return self.flows[flow.id]

    def connected(self) -> None:
        """The login under way has succeeded."""
        flow = next(iter(self.flows.values()))
        body = self.started[-1]
        account = None if flow.key else self._add(getattr(body, "nickname", ""))
        self.end_flow(state="connected", account=account, authorization_url="")


_PROVIDERS = [
    wire.OAuthProvider(
        id="anthropic", name="Anthropic", obtain="Nothing to register.", redirect_uri="",
        scopes=["user:inference"], needs_client=False, needs_secret=False, has_device_codes=False,
    ),
    wire.OAuthProvider(
        id="gitlab", name="GitLab", obtain="Register an application at gitlab.com.",
        redirect_uri="http://127.0.0.1:14323/callback", scopes=["read_api"], needs_client=True,
        needs_secret=True, has_device_codes=True,
    ),
]  # fmt: skip
