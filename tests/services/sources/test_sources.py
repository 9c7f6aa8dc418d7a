"""A vault behind a server that speaks as HashiCorp Vault's documentation has it, over TLS."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.audit.auditing import AuditQuery
from tests.oauth.servers import HOST, Received, Tls, guard, listening, reply
from tests.services.conftest import ADA, Opener, events_of, put_credentials

TOKEN = "hvs.store-token-very-secret"
PATH = "/v1/secret/data/team/app"
NESTED = "/v1/teams/red/kv/data/app"
RENEW, LOGIN = "/v1/auth/token/renew-self", "/v1/auth/approle/login"


_ENDLESS = 10**400
"""A number of seconds that JSON can say, and no float."""


@dataclass
class FakeStore:
    """A KV engine of version 2 with one secret; AppRole, and tokens that are renewed."""

    token: str = TOKEN
    lease: int = 1200
    renewed: int = 1200
    fields: dict[str, Any] = field(default_factory=lambda: {"api-key": "value-one"})
    gate: Callable[[], Awaitable[object]] | None = None
    outage: bytes | None = None
    received: list[Received] = field(default_factory=list)
    port: int = 0

    async def __call__(self, received: Received) -> bytes | None:
        self.received.append(received)
        if self.gate is not None:
            await self.gate()
        if self.outage is not None:
            return self.outage
        if received.target == LOGIN:
            given = json.loads(received.body)
            if given != {"role_id": "role", "secret_id": "secret-id"}:
                return reply('{"errors":["invalid role or secret ID"]}', 400)
            self.token = f"{TOKEN}-{len(self.received)}"
            auth = {"client_token": self.token, "lease_duration": self.lease, "renewable": True}
            return reply(json.dumps({"auth": auth}))
        if received.headers.get("x-vault-token") != self.token:
            return reply('{"errors":["permission denied"]}', 403)
        if received.target == RENEW:
            if not self.lease:
                return reply('{"errors":["lease is not renewable"]}', 400)
            return reply(
                json.dumps({"auth": {"client_token": TOKEN, "lease_duration": self.renewed}})
            )
        if received.target not in (PATH, NESTED):
            return reply('{"errors":[]}', 404)
        data = {"data": self.fields, "metadata": {"version": 3, "destroyed": False}}
        return reply(json.dumps({"request_id": "r", "lease_id": "", "data": data}))

    def asked(self) -> list[str]:
        """What was asked since the last time."""
        targets = [one.target for one in self.received]
        self.received.clear()
        return targets

    def request(self, **changes: Any) -> wire.SetSource:
        """To be backed by it."""
        values = {"type": "hashicorp", "url": f"https://{HOST}:{self.port}"}
        values |= {"path": "secret/team/app", "token": TOKEN}
        return wire.SetSource(**{**values, **changes})


@pytest.fixture(scope="module")
def tls() -> Tls:
    """A certificate for the store."""
    return Tls()


@pytest.fixture
async def store(tls: Tls) -> AsyncIterator[FakeStore]:
    """A store that listens."""
    made = FakeStore()
    async with listening(made, tls.server) as made.port:
        yield made


@pytest.fixture
async def backed(app: Application, store: FakeStore, tls: Tls) -> Application:
    """The vault `team`, backed by it."""
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    await app.sources.set("team", store.request(), ADA)
    return app


async def values_of(app: Application) -> dict[str, str | None]:
    """What the vault has."""
    found = await app.credentials.reveal("team", ADA)
    return {one.key: one.value for one in found.credentials or ()}


async def refusal(call: object) -> str:
    """The code that it is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_what_the_store_holds_is_the_vaults(backed: Application, store: FakeStore):
    """Read at once, then again when it is time; what is gone there is gone here."""
    assert await values_of(backed) == {"API_KEY": "value-one"}
    assert store.asked() == [RENEW, PATH]
    store.fields = {"api-key": "value-two", "db.password": "other"}
    await backed.sources.tick()
    assert store.received == []
    backed._context.clock.advance(70)  # type: ignore[attr-defined]
    await backed.sources.tick()
    assert await values_of(backed) == {"API_KEY": "value-two", "DB_PASSWORD": "other"}
    store.fields = {"db.password": "other"}
    backed._context.clock.advance(70)  # type: ignore[attr-defined]
    await backed.sources.tick()
    assert await values_of(backed) == {"DB_PASSWORD": "other"}
    assert len(events_of(backed, "source.synced")) == 3


async def test_names_that_are_no_keys_are_skipped_and_told(backed: Application, store: FakeStore):
    """Neither guessed nor silently left out."""
    store.fields = {
        "ok": "1", "1st": "x", "ümlaut": "x", "a-b": "1", "a.b": "2", "n": 7, "e": "", "x\x1b": "y",
    }  # fmt: skip
    backed._context.clock.advance(70)  # type: ignore[attr-defined]
    await backed.sources.tick()
    assert await values_of(backed) == {"OK": "1"}
    shown = await backed.sources.show("team")
    assert shown.skipped == sorted(["1st", "ümlaut", "a-b", "a.b", "n", "e", "x\\x1b"])


async def test_nothing_else_changes_such_a_vault(backed: Application):
    """Values, commands, pools, logins: the store is where they are changed."""
    code = "external_credential_store"
    assert await refusal(put_credentials(backed, vault="team", OTHER="x")) == code
    gone = wire.DeleteCredentials(keys=["API_KEY"], vault="team")
    assert await refusal(backed.credentials.delete(gone, ADA)) == code
    old = wire.RestoreCredential(version=1, vault="team")
    assert await refusal(backed.credentials.restore("API_KEY", old, ADA)) == code
    command = wire.SetCommand(argv=["op"], vault="team")
    assert await refusal(backed.commands.set("TOLD", command, ADA)) == code
    pasted = wire.PasteTokens(
        key="GITHUB", vault="team", token_url="https://x.test/t", client_id="c", access_token="a"
    )
    assert await refusal(backed.oauth.paste(pasted, ADA)) == code
    assert await values_of(backed) == {"API_KEY": "value-one"}


async def test_a_vault_with_credentials_is_not_taken_over(app: Application, store: FakeStore):
    """They would be deleted by the first poll."""
    await put_credentials(app, MINE="x")
    assert await refusal(app.sources.set("default", store.request(), ADA)) == "conflict"


OUTAGES = [
    reply("{}", 503),
    reply('{"errors":["permission denied"]}', 403),
    reply("[" * 100_000),
    reply('{"data":{"k":"a KV engine of version 1"}}'),
    reply('{"errors":[]}', 404),
    reply('{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z"}}}', 404),
    reply(b"", 302, location="https://elsewhere.test/"),
    b"",
]


async def test_an_outage_changes_nothing_and_is_told(backed: Application, store: FakeStore):
    """The last good state serves; polls come later and later; then all is well again."""
    clock = backed._context.clock
    assert isinstance(clock, FakeClock)
    for outage in OUTAGES:
        asked, store.outage = len(store.received), outage
        clock.advance(700)
        await backed.sources.tick()
        assert len(store.received) > asked
        assert await values_of(backed) == {"API_KEY": "value-one"}
        (problem,) = backed.sources.problems()
        assert "vault team" in problem
        assert TOKEN not in problem
    assert len(events_of(backed, "source.failed")) == 1
    assert (await backed.sources.show("team")).failures == len(OUTAGES)
    asked, store.outage = len(store.received), None
    clock.advance(100)
    await backed.sources.tick()
    assert len(store.received) == asked
    clock.advance(700)
    await backed.sources.tick()
    assert backed.sources.problems() == []
    assert (await backed.sources.show("team")).failures == 0


async def test_a_store_is_read_at_once_when_asked_to(backed: Application, store: FakeStore):
    """Also while it is not due for long; what came of it is answered and stands by the vault."""

    async def listed() -> dict[str, tuple[str, str]]:
        vaults = (await backed.vaults.list(ADA)).vaults
        return {one.name: (one.source, one.source_state) for one in vaults}

    store.outage = reply("{}", 503)
    shown = await backed.sources.poll("team")
    assert (shown.state, shown.last_error) == ("failing", "The store answered 503.")
    assert await listed() == {"default": ("", ""), "team": ("hashicorp", "failing")}
    store.outage, store.fields = None, {"api-key": "value-two"}
    shown = await backed.sources.poll("team")
    assert (shown.state, shown.last_error) == ("ok", "")
    assert shown.next_poll_at > shown.last_sync_at
    assert await values_of(backed) == {"API_KEY": "value-two"}
    assert await listed() == {"default": ("", ""), "team": ("hashicorp", "ok")}
    assert await refusal(backed.sources.poll("default")) == "not_found"
    backed._context.sealer.forget()
    assert await refusal(backed.sources.poll("team")) == "sealed"


async def test_who_may_not_read_a_vaults_settings_hears_nothing_of_its_store(backed: Application):
    """The proxy's role lists its vaults, and no more of them; a member sees how reading goes."""

    async def seen_by(name: str, role: str) -> tuple[str, str]:
        grants = [wire.AgentVault(vault_name="team", vault_role=role)]
        made = await backed.agents.create(wire.CreateAgent(name=name, vaults=grants), ADA)
        by = backed.identity.of_bearer(made.av_agent_token)
        (found,) = (await backed.vaults.list(by)).vaults
        return found.source, found.source_state

    assert await seen_by("outsider", "proxy") == ("", "")
    assert await seen_by("insider", "member") == ("hashicorp", "ok")


async def test_a_restart_during_an_outage_has_the_last_state(
    backed: Application, store: FakeStore, reopen: Opener, tls: Tls, tmp_path: Path
):
    """Sealed on disk, the store's token too."""
    store.outage = b""
    app = await reopen()
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    await app.sources.tick()  # sealed: nothing is asked
    asked = len(store.received)
    await app.keys.unseal_automatically()
    app._context.clock.advance(70)  # type: ignore[attr-defined]
    await app.sources.tick()
    assert len(store.received) > asked
    assert await values_of(app) == {"API_KEY": "value-one"}
    content = await asyncio.to_thread(
        lambda: b"".join(file.read_bytes() for file in tmp_path.glob("vault.db*"))
    )
    for secret in (TOKEN.encode(), b"value-one"):
        assert secret not in content


async def test_two_workers_poll_once(
    backed: Application, store: FakeStore, tls: Tls, tmp_path: Path
):
    """Whoever takes the poll moves the time on for all."""
    other = await Application.open(ApplicationConfig(tmp_path / "vault.db"), backed._context.clock)
    try:
        await other.keys.unseal_automatically()
        other.sources.attach(GuardedHttp(guard().resolve, tls.client))
        backed._context.clock.advance(70)  # type: ignore[attr-defined]
        store.asked()
        await backed.sources.tick()
        await other.sources.tick()
        assert store.asked() == [PATH]
    finally:
        await other.close()


async def test_an_app_role_signs_in(app: Application, store: FakeStore, tls: Tls):
    """With a role id and a secret id, when its token has ended or is not taken any more; a refusal
    is told without them.
    """
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    request = store.request(token="", role_id="role", secret_id="secret-id", namespace="ns/one")
    await app.sources.set("team", request, ADA)
    assert await values_of(app) == {"API_KEY": "value-one"}
    assert {one.headers["x-vault-namespace"] for one in store.received} == {"ns/one"}
    assert store.asked() == [LOGIN, PATH]
    clock = app._context.clock
    assert isinstance(clock, FakeClock)
    for seconds, asked in ((70, [PATH]), (1200, [LOGIN, PATH])):
        clock.advance(seconds)
        await app.sources.tick()
        assert store.asked() == asked
    store.token = "revoked meanwhile"
    clock.advance(70)
    await app.sources.tick()
    assert store.asked() == [PATH, LOGIN, PATH]
    wrong = store.request(token="", role_id="role", secret_id="wrong-one")
    shown = await app.sources.set("team", wrong, ADA)
    assert shown.last_error == "The store refuses AppRole (400)."
    assert await values_of(app) == {"API_KEY": "value-one"}


async def test_sealing_forgets_what_opens_stores(app: Application, store: FakeStore, tls: Tls):
    """At once: the vault that is opened again signs in anew."""
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    request = store.request(token="", role_id="role", secret_id="secret-id")
    await app.sources.set("team", request, ADA)
    assert store.asked() == [LOGIN, PATH]
    await app.keys.seal(ADA)
    await app.keys.unseal_automatically()
    await app.sources.poll("team")
    assert store.asked() == [LOGIN, PATH]


async def test_a_token_is_renewed_when_half_of_its_time_is_over(
    backed: Application, store: FakeStore
):
    """One that can't be renewed is used as it is, and not asked about at every poll."""
    clock = backed._context.clock
    assert isinstance(clock, FakeClock)
    assert store.asked() == [RENEW, PATH]
    for seconds, asked in ((70, [PATH]), (540, [RENEW, PATH])):
        clock.advance(seconds)
        await backed.sources.tick()
        assert store.asked() == asked
    store.lease = 0
    await backed.sources.set("team", store.request(namespace="ns"), ADA)
    assert store.asked() == [RENEW, PATH]
    clock.advance(700)
    await backed.sources.tick()
    assert store.asked() == [PATH]
    assert await values_of(backed) == {"API_KEY": "value-one"}


async def test_strange_words_about_a_token_are_no_failure_of_ours(
    app: Application, store: FakeStore, tls: Tls
):
    """A life that no clock counts, and a token that no header can hold."""
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    store.renewed = _ENDLESS
    await app.sources.set("team", store.request(), ADA)
    assert await values_of(app) == {"API_KEY": "value-one"}
    store.outage = reply(json.dumps({"auth": {"client_token": " padded ", "lease_duration": 9}}))
    request = store.request(token="", role_id="role", secret_id="secret-id")
    shown = await app.sources.set("team", request, ADA)
    assert shown.last_error == "The store's answer to AppRole holds no token."


async def test_a_source_may_go_while_it_is_read(backed: Application, store: FakeStore):
    """Whether the store answers then or not: nobody is told of a failure."""

    async def remove() -> None:
        store.gate = None
        await backed.sources.remove("team", ADA)

    for outage in (None, reply("{}", 503)):
        store.outage = None
        await backed.sources.set("team", store.request(), ADA)
        store.outage = outage
        backed._context.clock.advance(70)  # type: ignore[attr-defined]
        store.gate = remove
        await backed.sources.tick()
        assert await refusal(backed.sources.show("team")) == "not_found"
        gone = wire.DeleteCredentials(keys=["API_KEY"], vault="team")
        await backed.credentials.delete(gone, ADA)
    assert events_of(backed, "source.failed") == []
    assert backed.sources.problems() == []


async def test_a_deleted_version_is_told_as_one(backed: Application, store: FakeStore):
    """Its values serve on: the store says that it had some."""
    store.outage = reply('{"data":{"data":null,"metadata":{"destroyed":true}}}', 404)
    backed._context.clock.advance(70)  # type: ignore[attr-defined]
    await backed.sources.tick()
    shown = await backed.sources.show("team")
    assert shown.last_error == "The newest version of the secret was deleted or destroyed."
    assert await values_of(backed) == {"API_KEY": "value-one"}


async def test_an_engines_path_may_have_slashes(app: Application, store: FakeStore, tls: Tls):
    """It is given apart then, since nothing in the secret's path says where it ends."""
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    shown = await app.sources.set("team", store.request(mount="/teams/red/kv/", path="app"), ADA)
    assert store.asked() == [RENEW, NESTED]
    assert shown.place.endswith(" teams/red/kv/app")
    assert await values_of(app) == {"API_KEY": "value-one"}


async def test_what_can_not_be_polled_is_refused(app: Application, store: FakeStore):
    """Before anything is stored."""
    for changes in (
        {"type": "other"},
        {"url": "http://store.test"},
        {"url": "https://user:password@store.test"},
        {"path": "secret"},
        {"path": "secret/../sys"},
        {"path": "secret//x"},
        {"mount": "teams/../sys"},
        {"mount": "kv", "path": "/"},
        {"token": "a\nb"},
        {"token": " a"},
        {"token": ""},
        {"role_id": "r", "secret_id": "s"},
        {"interval_seconds": 1},
        {"recursive": True},
    ):
        request = store.request(**changes)
        assert await refusal(app.sources.set("default", request, ADA)) == "bad_request", changes
    assert await refusal(app.sources.show("default")) == "not_found"
    assert store.received == []


async def test_removing_it_leaves_the_values_as_the_vaults_own(backed: Application):
    """They can be changed then; both deeds are in the audit."""
    await backed.sources.remove("team", ADA)
    assert await refusal(backed.sources.show("team")) == "not_found"
    await put_credentials(backed, vault="team", API_KEY="mine")
    assert await values_of(backed) == {"API_KEY": "mine"}
    page = await backed.auditing.page(AuditQuery(limit=50))
    told = {entry.action: entry for entry in page.entries}
    assert told["vault.source_set"].target == "team"
    assert told["vault.source_removed"].vault == "team"
    assert TOKEN not in str(page)
