"""A scripted worker in memory: it answers calls from its own small state and sends events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call
from proxy_core.client.sse import Connected, Disconnected, Note
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.proposals import Authority
from proxy_core.domain.traffic import RequestRecord, RequestStart
from tests.console.fake_accounts import FakeAccounts
from tests.console.fake_agents import FakeAgents
from tests.console.fake_audit import FakeAudit
from tests.console.fake_keys import FakeKeys
from tests.console.fake_proposals import FakeProposals, authority_of
from tests.console.fake_sources import FakeSources

T = TypeVar("T")
NOW = 1_750_000_000.0
PASSWORD = "correct horse battery"  # the fake's own


def record(number: int = 1, **changes: Any) -> RequestRecord:
    """A finished request; every field can be changed."""
    values: dict[str, Any] = {
        "request_id": f"r{number:06}",
        "started_at": NOW - 60 + number,
        "vault": "default",
        "ingress": "connect",
        "method": "GET",
        "scheme": "https",
        "host": "api.github.com",
        "port": 443,
        "path": f"/repos/acme/site/issues/{number}",
        "actor_type": "agent",
        "actor_id": "a1",
        "actor_name": "ci",
        "matched_service": "github",
        "credential_keys": ("GITHUB_TOKEN",),
        "injected_headers": ("Authorization",),
        "decision": "injected",
        "reason": "service github covers api.github.com",
        "status": 200,
        "latency_ms": 84.0,
        "connect_ms": 12.0,
        "tls_ms": 19.0,
        "first_byte_ms": 71.0,
        "bytes_up": 120,
        "bytes_down": 4312,
        "id": number,
    }
    return RequestRecord(**{**values, **changes})


def start_of(found: RequestRecord, decision: str = "") -> RequestStart:
    """The start that belongs to a record; `held`: that it waits for an operator."""
    names = RequestStart.__struct_fields__
    waited = 0.0 if decision == "held" else found.held_ms
    values = {name: getattr(found, name) for name in names}
    return RequestStart(**{**values, "decision": decision, "held_ms": waited})


def service(name: str, host: str, key: str, **changes: Any) -> dict[str, Any]:
    """A service document as the worker lists it."""
    return {
        "name": name,
        "host": host,
        "enabled": True,
        "auth": {"type": "bearer", "token": key},
        "hits": 0,
        "last_hit_at": "",
        **changes,
    }


class FakeWorker:
    """`calls` holds what was asked. Values are kept here only so that a reveal can show them."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock(NOW)
        self.initialized, self.sealed, self.operator = True, False, False
        self.slots = ["password"]
        self.calls: list[tuple[str, str, Any]] = []
        self.vaults = ["default", "staging"]
        self.secrets: dict[str, list[str]] = {}
        self.services: list[dict[str, Any]] = []
        self.log: list[RequestRecord] = []
        self.hosts: list[wire.DiscoveredHost] = []
        self.unreadable: set[str] = set()
        self.proposals = FakeProposals(self.clock, self._authority)
        self.audit = FakeAudit(self.clock)
        self.holds: list[wire.Hold] = []
        self.devices: list[wire.DeviceRequest] = []
        self.grants: list[wire.Grant] = []
        self.lent = FakeAccounts(self.clock)
        self.staff = FakeAgents(self.clock)
        self.sources = FakeSources(self.clock)
        self.keys = FakeKeys(self.clock)
        self.oauth: dict[str, wire.CredentialInfo] = {}
        self.down = False
        self.failing: dict[str, VaultError] = {}
        self._queues: list[asyncio.Queue[Note]] = []
        self._seq = 0

    # --- the console's side -------------------------------------------------------------------

    async def open(self) -> "FakeWorker":
        """What the console opens."""
        self._refuse_when_down()
        return self

    async def send(self, call: Call[T]) -> T:
        """Answer a call."""
        self._refuse_when_down()
        query = dict(call.query)
        self.calls.append((call.method, call.path, call.body))
        failing = self.failing.get(f"{call.method} {call.path}")
        if failing is not None:
            raise failing
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        others = (self.staff, self.sources, self.keys)
        part = next((one for one in others if one.is_asked(parts)), None)
        if part is not None:
            if call.method != "GET":
                self._operator_only()
            return part.answer(call, parts)
        return self._answer(call, query)

    async def events(self) -> AsyncIterator[Note]:
        """Connected, then whatever `emit` and `cut` put in."""
        queue: asyncio.Queue[Note] = asyncio.Queue()
        self._queues.append(queue)
        yield Connected()
        while True:
            yield await queue.get()

    def keep(self, session: wire.OperatorSession | None) -> None:
        """Its operator has a terminal, and needs no token."""

    async def close(self) -> None:
        """Nothing is open."""

    def _refuse_when_down(self) -> None:
        if self.down:
            raise VaultError("no_worker", "Nothing listens.")

    # --- the test's side ----------------------------------------------------------------------

    def emit(self, type: str, data: Any) -> None:
        """Send an event to every console."""
        self._seq += 1
        self.note(Event(seq=self._seq, type=str(type), at=self.clock.time(), data=data))

    def note(self, note: Note) -> None:
        """Send any note."""
        for queue in self._queues:
            queue.put_nowait(note)

    def finish(self, found: RequestRecord) -> None:
        """A request has ended."""
        self.emit(EventType.REQUEST_FINISHED, found)

    def cut(self) -> None:
        """The connection breaks."""
        self.down = True
        self.note(Disconnected("The worker ended the stream."))

    def mend(self) -> None:
        """The connection is back."""
        self.down = False
        self.note(Connected())

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the calls to `path`."""
        return [body for m, p, body in self.calls if (m, p) == (method, path)]

    # --- answers ------------------------------------------------------------------------------

    def _answer(self, call: Call[Any], query: dict[str, str]) -> Any:
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        if parts[:2] == ["v1", "vaults"] and len(parts) > 3:
            return self._vault_answer(call, parts[3:], query)
        routes: dict[str, Callable[[], Any]] = {
            "GET /v1/status": self._status,
            "POST /v1/init": lambda: self._init(call.body),
            "POST /v1/unseal": lambda: self._unseal(call.body),
            "POST /v1/seal": self._seal,
            "POST /v1/unlock": lambda: self._unlock(call.body),
            "POST /v1/lock": self._lock,
            "GET /v1/vaults": self._vaults,
            "GET /v1/credentials": lambda: self._credentials(query),
            "POST /v1/credentials": lambda: self._set(call.body),
            "DELETE /v1/credentials": lambda: self._delete(call.body),
            "GET /v1/service-catalog": self._catalog,
            "GET /v1/admin/proposals": self.proposals.inbox,
            "GET /v1/audit": lambda: self._audited(lambda: self.audit.page(query)),
            "GET /v1/audit/verify": lambda: self._audited(self.audit.verified),
            "GET /v1/holds": lambda: wire.HoldList(holds=list(self.holds)),
            "GET /v1/devices/requests": lambda: wire.DeviceRequestList(requests=list(self.devices)),
            "GET /v1/grants": lambda: wire.GrantList(grants=list(self.grants)),
        }
        found = routes.get(f"{call.method} {call.path}")
        if found is not None:
            return found()
        if parts[1] in {"accounts", "pools", "oauth"}:
            if call.method != "GET":
                self._operator_only()
            return self.lent.answer(call, parts, query)
        if parts[:3] == ["v1", "credentials", "oauth"]:
            self._operator_only()
            return self._oauth(parts[3], call.body)
        if parts[:3] == ["v1", "admin", "proposals"]:
            return self._proposal(call, int(parts[3]), parts[4:])
        if parts[:2] == ["v1", "holds"]:
            return self._decide(parts[2], parts[3])
        if parts[:3] == ["v1", "devices", "requests"]:
            return self._decide_device(parts[3], parts[4], call.body)
        if parts[:2] == ["v1", "grants"]:
            self._operator_only()
            self.grants = [grant for grant in self.grants if grant.id != parts[2]]
            return wire.Deleted(name=parts[2])
        if parts[:2] == ["v1", "credentials"] and parts[-1] == "versions":
            return self._history(parts[2])
        if parts[:2] == ["v1", "credentials"] and parts[-1] == "restore":
            return self._restore(parts[2], call.body)
        raise VaultError("not_found", call.path)

    def _audited(self, answer: Callable[[], Any]) -> Any:
        self._operator_only()
        return answer()

    def _vault_answer(self, call: Call[Any], rest: list[str], query: dict[str, str]) -> Any:
        what = f"{call.method} {rest[0]}"
        if what == "GET logs":
            return self._logs(query)
        if what == "GET discovered-hosts":
            return wire.DiscoveredHosts(hosts=self.hosts, total=len(self.hosts))
        if rest == ["services", "credential-usage"]:
            return wire.CredentialUsage(
                services=[
                    wire.ServiceName(name=s["name"], host=s["host"])
                    for s in self._users(query["key"])
                ]
            )
        if rest == ["services", "test"]:
            return self._test(call.body)
        if what == "GET services":
            return wire.ServiceList(vault="default", services=list(self.services))
        self._operator_only()
        if call.method == "POST":
            return self._upsert(call.body)
        if call.method == "PUT":
            self.services = [{"hits": 0, "last_hit_at": "", **d} for d in call.body.services]
            return wire.ServicesReplaced(vault="default", services_count=len(self.services))
        found = next(s for s in self.services if s["name"] == rest[1])
        if call.method == "PATCH":
            self.services = [
                {**s, "enabled": call.body.enabled} if s is found else s for s in self.services
            ]
            return wire.ServicesUpserted(
                vault="default", upserted=[rest[1]], services_count=len(self.services)
            )
        self.services.remove(found)
        return wire.ServiceRemoved(
            vault="default", removed=rest[1], removed_host=found["host"],
            services_count=len(self.services),
        )  # fmt: skip

    def _status(self) -> wire.Status:
        return wire.Status(
            initialized=self.initialized, sealed=self.sealed, version="0.1.0",
            api="127.0.0.1:14321",
            proxy="127.0.0.1:14322", socket="/x", pid=1, uptime=5.0, streams=3, connections=4,
            pending_proposals=self.proposals.waiting, holds=0, log_dropped=0, slots=self.slots,
            database="sqlite", problems=[], operator=self.operator,
            options=["--host", "127.0.0.1", "--port", "14321", "--proxy-port", "14322"],
        )  # fmt: skip

    def _init(self, body: wire.InitRequest) -> wire.Sealed:
        if body.slot == "keyring":
            raise VaultError("conflict", "There is no usable keyring on this machine.")
        self.initialized, self.sealed, self.operator = True, False, True
        self.slots = [body.slot]
        return wire.Sealed(sealed=False)

    def _proved(self, body: wire.KeyProof) -> None:
        if body.secret != PASSWORD:
            raise VaultError("wrong_key", "That does not open the vault.")

    def _unseal(self, body: wire.KeyProof) -> wire.Sealed:
        self._proved(body)
        self.sealed, self.operator = False, True
        return wire.Sealed(sealed=False)

    def _seal(self) -> wire.Sealed:
        self._operator_only()
        self.sealed, self.operator = True, False
        return wire.Sealed(sealed=True)

    def _unlock(self, body: wire.KeyProof) -> wire.OperatorSession:
        self._proved(body)
        self.operator = True
        return wire.OperatorSession(token="", expires_at=rfc3339(NOW + 900))

    def _lock(self) -> wire.Locked:
        self.operator = False
        return wire.Locked()

    def _operator_only(self) -> None:
        if not self.operator:
            raise VaultError("operator_required", "An operator session is needed.")

    def _decide(self, hold_id: str, verb: str) -> wire.HoldResolved:
        self._operator_only()
        found = next((hold for hold in self.holds if hold.id == hold_id), None)
        if found is None:
            raise VaultError("not_found", "No request with this id waits (any more).")
        self.release(found, "approved" if verb == "approve" else "denied")
        outcome = "approved" if verb == "approve" else "denied"
        return wire.HoldResolved(id=hold_id, outcome=outcome, released=1)

    def _decide_device(
        self, code: str, verb: str, body: wire.ApproveDevice | None
    ) -> wire.DeviceResolved:
        self._operator_only()
        found = next(one for one in self.devices if one.code == code)
        self.devices.remove(found)
        outcome = "approved" if verb == "approve" else "denied"
        agent = "" if body is None else body.agent or body.email.partition("@")[0] or found.agent
        told = {"id": code, "name": found.client, "outcome": outcome, "by": "operator eve"}
        self.emit(EventType.DEVICE_RESOLVED, {**told, "agent": agent})
        return wire.DeviceResolved(code=code, outcome=outcome, agent=agent)

    def sign_in(self, code: str = "WDJB-MJHT") -> wire.DeviceRequest:
        """A device begins to wait."""
        now = self.clock.time()
        made = wire.DeviceRequest(
            code=code, client="claude-code/2.1.330", address="10.0.0.7", agent="claude-10-0-0-7",
            created_at=rfc3339(now), expires_at=rfc3339(now + 600), seconds_left=600,
        )  # fmt: skip
        self.devices.append(made)
        told = {"id": code, "name": made.client, "address": made.address}
        self.emit(EventType.DEVICE_REQUESTED, {**told, "by": made.client})
        return made

    def _authority(self) -> Authority:
        types = dict.fromkeys(self.secrets, "static")
        types |= {key: found.type for key, found in self.oauth.items()}
        return authority_of(self.services, types)

    def _proposal(self, call: Call[Any], number: int, verb: list[str]) -> Any:
        if call.method == "GET":
            return self.proposals.get(number)
        self._operator_only()
        done = self.proposals.answer(number, verb[0], call.body)
        if verb[0] != "reveal":
            kinds = {"approve": EventType.PROPOSAL_APPLIED, "reject": EventType.PROPOSAL_REJECTED}
            self.emit(kinds[verb[0]], self.proposals.event(number))
        return done

    def propose(self, **document: Any) -> int:
        """An agent proposes; `ago` and `by` as FakeProposals.raise_one."""
        number = self.proposals.raise_one(**document)
        self.emit(EventType.PROPOSAL_CREATED, self.proposals.event(number))
        return number

    def hold(self, number: int = 1, **changes: Any) -> wire.Hold:
        """A request begins to wait."""
        values: dict[str, Any] = {
            "id": f"h{number}", "vault": "default", "agent": "claude", "actor_type": "agent",
            "service": "slack-bot", "rule": 2, "method": "POST",
            "reason": "service slack-bot covers slack.com/api/*, and its rule 2 asks an operator",
            "url": "https://slack.com/api/chat.postMessage", "body_preview": '{"text": "hi"}',
            "credential_keys": ["SLACK_BOT_TOKEN"], "created_at": rfc3339(self.clock.time()),
            "expires_at": rfc3339(self.clock.time() + 120), "seconds_left": 120,
        }  # fmt: skip
        made = wire.Hold(**{**values, **changes})
        self.holds.append(made)
        self.emit(EventType.REQUEST_HELD, msgspec.to_builtins(made))
        return made

    def release(self, hold: wire.Hold, outcome: str) -> None:
        """A held request was answered, here or elsewhere."""
        self.holds.remove(hold)
        data = {"id": hold.id, "vault": hold.vault, "name": hold.agent}
        data |= {"outcome": outcome, "by": "operator eve"}
        self.emit(EventType.HOLD_RESOLVED, data)

    def _vaults(self) -> wire.VaultList:
        stamp = rfc3339(NOW - 86400)
        return wire.VaultList(
            vaults=[
                wire.Vault(
                    id=n,
                    name=n,
                    created_at=stamp,
                    services_count=2,
                    credentials_count=3,
                    **self.sources.named(n),
                )
                for n in self.vaults
            ]
        )

    def _users(self, key: str) -> list[dict[str, Any]]:
        return [s for s in self.services if key in s["auth"].values()]

    def _credentials(self, query: dict[str, str]) -> wire.CredentialList:
        revealed = query.get("reveal") == "true"
        if revealed:
            self._operator_only()
        keys = [query["key"]] if revealed else sorted(self.secrets)
        return wire.CredentialList(
            keys=keys,
            credentials=[
                wire.CredentialInfo(
                    key=key,
                    type="static",
                    version=len(self.secrets[key]),
                    created_at=rfc3339(NOW - 86400 * 9),
                    updated_at=rfc3339(NOW - 86400),
                    last_used_at=rfc3339(NOW - 42) if self._users(key) else "",
                    used_by=[s["name"] for s in self._users(key)],
                    state="unreadable" if key in self.unreadable else "ok",
                    value=self.secrets[key][-1] if revealed else None,
                )
                for key in keys
                if key in self.secrets
            ]
            + list(self.oauth.values()),
        )

    def oauth_credential(self, key: str, type: str = "oauth", **changes: Any) -> None:
        """A credential that signs in, or a pool's."""
        now = self.clock.time()
        values: dict[str, Any] = {
            "version": 7, "created_at": rfc3339(now - 86400), "last_used_at": rfc3339(now - 30),
            "used_by": [s["name"] for s in self._users(key)],
        }  # fmt: skip
        if type == "oauth":
            values |= {
                "expires_at": rfc3339(now + 2400), "next_refresh_at": rfc3339(now + 2100),
                "last_refresh_at": rfc3339(now - 1200), "refresh_count": 6,
            }  # fmt: skip
        self.oauth[key] = wire.CredentialInfo(key=key, type=type, **{**values, **changes})

    def _oauth(self, what: str, body: Any) -> Any:
        if what == "connect":
            flow = self.lent.begin(body, body.key)
            self.oauth_credential(body.key)
            return flow
        if what == "tokens":
            self.oauth_credential(body.key)
            return wire.OAuthConnected(connected=True, connected_at=rfc3339(NOW))
        found = self.oauth[body.key]
        if found.state == "reconnect":
            raise VaultError("oauth_refresh_failed", "It has to be connected anew.")
        self.oauth_credential(body.key, refresh_count=found.refresh_count + 1)
        return wire.OAuthStatus(connected=True, state="connected", refresh_count=7)

    def _set(self, body: wire.SetCredentials) -> wire.CredentialsSet:
        self._operator_only()
        for key, value in body.credentials.items():
            self.secrets.setdefault(key, []).append(value)
        return wire.CredentialsSet(set=list(body.credentials))

    def _delete(self, body: wire.DeleteCredentials) -> wire.CredentialsDeleted:
        self._operator_only()
        for key in body.keys:
            del self.secrets[key]
        return wire.CredentialsDeleted(deleted=body.keys)

    def _history(self, key: str) -> wire.CredentialHistory:
        count = len(self.secrets[key])
        versions = [
            wire.CredentialVersion(
                version=n, created_at=rfc3339(NOW - 86400 * (count - n)), current=n == count
            )
            for n in range(count, 0, -1)
        ]
        return wire.CredentialHistory(key=key, versions=versions)

    def _restore(self, key: str, body: wire.RestoreCredential) -> wire.CredentialsSet:
        self._operator_only()
        self.secrets[key].append(self.secrets[key][body.version - 1])
        return wire.CredentialsSet(set=[key])

    def _upsert(self, body: wire.ServicesRequest) -> wire.ServicesUpserted:
        names = [d["name"] for d in body.services]
        kept = [s for s in self.services if s["name"] not in names]
        self.services = kept + [{"hits": 0, "last_hit_at": "", **d} for d in body.services]
        return wire.ServicesUpserted(
            vault="default", upserted=names, services_count=len(self.services)
        )

    def _test(self, body: wire.MatchTest) -> wire.MatchResult:
        host = body.url.split("/")[2]
        found = next((s for s in self.services if s["host"] == host), None)
        others = [
            wire.MatchCandidate(
                name=s["name"], host=s["host"], matched=s is found, reason="host differs"
            )
            for s in self.services
        ]
        return wire.MatchResult(
            decision="injected" if found else "unmatched",
            reason="exact host" if found else "no service covers this host",
            service=found["name"] if found else None,
            host=host, path="/", credential_keys=[], missing_credentials=[], error_code=None,
            candidates=others,
        )  # fmt: skip

    def _logs(self, query: dict[str, str]) -> wire.LogPage:
        before = int(query.get("before", "0")) or 1 << 60
        limit = int(query.get("limit", "100"))
        older = [r for r in self.log if r.id < before]
        page = list(reversed(older[-limit:]))
        more = str(page[-1].id) if len(older) > limit else None
        return wire.LogPage(logs=page, next_cursor=more, latest_id=len(self.log))

    def _catalog(self) -> wire.Catalog:
        template = wire.Template(
            id="stripe", name="Stripe", category="payments", description="Payments API",
            service={"name": "stripe", "host": "api.stripe.com",
                     "auth": {"type": "bearer", "token": "STRIPE_KEY"}},
            obtain="Dashboard, Developers, API keys.", keys=["STRIPE_KEY"],
        )  # fmt: skip
        return wire.Catalog(templates=[template])


def furnished() -> FakeWorker:
    """A worker with credentials, services and a log that shows every kind of row."""
    worker = FakeWorker()
    worker.secrets = {
        "GITHUB_TOKEN": ["ghp-old-value", "ghp-present-value"],
        "OPENAI_API_KEY": ["sk-present-value"],
        "SLACK_BOT_TOKEN": ["xoxb-1", "xoxb-2", "xoxb-3"],
        "STRIPE_KEY": ["rk-value"],
        "UNUSED_KEY": ["value"],
    }
    worker.unreadable = {"STRIPE_KEY"}
    seen = rfc3339(NOW - 42)
    worker.services = [
        service("github", "api.github.com", "GITHUB_TOKEN", hits=1284, last_hit_at=seen),
        service("openai", "api.openai.com/v1/*", "OPENAI_API_KEY", hits=96, last_hit_at=seen),
        service(
            "slack-bot", "slack.com/api/*", "SLACK_BOT_TOKEN", hits=12,
            last_hit_at=rfc3339(NOW - 9000),
            rules=[{"action": "deny", "methods": ["DELETE"], "path": "/api/admin.*"}],
        ),
        service("stripe", "api.stripe.com", "STRIPE_KEY", enabled=False),
    ]  # fmt: skip
    worker.hosts = [
        wire.DiscoveredHost(host="registry.acme.test", port=443, requests=210, last_seen_at=seen),
        wire.DiscoveredHost(host="pack.org", port=443, requests=18, last_seen_at=seen),
    ]
    worker.log = [_varied(number) for number in range(1, 61)]
    return worker


def _varied(number: int) -> RequestRecord:
    """One of eight kinds of request, by its number."""
    kinds: list[dict[str, Any]] = [
        {},
        {"method": "POST", "host": "api.openai.com", "path": "/v1/responses",
         "actor_name": "claude",
         "matched_service": "openai", "credential_keys": ("OPENAI_API_KEY",), "streaming": True,
         "reason": "service openai covers api.openai.com/v1/*", "latency_ms": 8420.0,
         "bytes_down": 182_000},
        {"host": "registry.acme.test", "path": "/left-pad", "matched_service": "",
         "credential_keys": (), "injected_headers": (), "decision": "unmatched",
         "reason": "no service covers registry.acme.test", "bytes_down": 31_200},
        {"method": "DELETE", "host": "slack.com", "path": "/api/admin.users.remove",
         "matched_service": "slack-bot", "credential_keys": (), "injected_headers": (),
         "decision": "denied", "status": 403, "error_code": "method_not_allowed",
         "reason": "rule 1 denies DELETE /api/admin.*", "latency_ms": 0.4, "connect_ms": -1.0,
         "tls_ms": -1.0, "first_byte_ms": -1.0, "bytes_down": 412},
        {"method": "POST", "host": "slack.com", "path": "/api/chat.postMessage",
         "matched_service": "slack-bot", "credential_keys": ("SLACK_BOT_TOKEN",),
         "reason": "service slack-bot covers slack.com/api/*", "reused_upstream": True,
         "connect_ms": -1.0, "tls_ms": -1.0},
        {"path": ["/repos/acme/site/pulls", "state=open"][0], "status": 304, "bytes_down": 0},
        {"host": "api.stripe.com", "path": "/v1/charges", "matched_service": "stripe",
         "decision": "failed", "status": 502, "error_code": "upstream_unreachable",
         "reason": "service stripe covers api.stripe.com", "latency_ms": 3004.0, "bytes_down": 380},
        {"path": "/search/code", "status": 422, "actor_name": "reviewer", "latency_ms": 1330.0},
    ]  # fmt: skip
    return record(number, **kinds[number % len(kinds)])
