"""A vault behind a server that speaks as Infisical's documentation has it, over TLS."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.oauth.http import GuardedHttp
from proxy_core.services.application import Application
from proxy_core.services.sources.answers import SourceError
from proxy_core.services.sources.infisical_list import values_of as values_of_list
from proxy_core.services.sources.settings import unsealed
from tests.oauth.servers import HOST, Received, Tls, guard, listening, reply
from tests.services.conftest import ADA

ID, SECRET = "machine-id", "machine-secret-very-secret"
LOGIN = "/api/v1/auth/universal-auth/login"
V3, V4 = "/api/v3/secrets/raw", "/api/v4/secrets"
PLACE = {"environment": "prod", "secretPath": "/team/app"}


@dataclass
class FakeInfisical:
    """A folder, those below it and what it imports, for one machine identity; tokens that end and
    that can be revoked.
    """

    secrets: list[Any] = field(default_factory=lambda: [secret("api-key", "value-one")])
    below: list[Any] = field(default_factory=list)
    imports: list[Any] = field(default_factory=list)
    secret: str = SECRET
    is_old: bool = False
    outage: bytes | None = None
    received: list[Received] = field(default_factory=list)
    issued: int = 0
    port: int = 0

    async def __call__(self, received: Received) -> bytes | None:
        self.received.append(received)
        if self.outage is not None:
            return self.outage
        target = urlsplit(received.target)
        if target.path == LOGIN:
            return self.log_in(received)
        if received.headers.get("authorization") != f"Bearer {self.token}":
            return reply('{"statusCode":401,"message":"Token is invalid","error":"x"}', 401)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        key = "workspaceId" if self.is_old else "projectId"
        wanted = PLACE | {key: "p-1", "viewSecretValue": "true", "expandSecretReferences": "true"}
        if target.path != (V3 if self.is_old else V4) or not wanted.items() <= query.items():
            return reply('{"statusCode":404,"message":"Route not found","error":"x"}', 404)
        below = self.below if query["recursive"] == "true" else []
        said: dict[str, Any] = {"secrets": [*self.secrets, *below]}
        if query["include_imports" if self.is_old else "includeImports"] == "true":
            said["imports"] = self.imports
        return reply(json.dumps(said))

    def log_in(self, received: Received) -> bytes:
        """A new token; the one before is refused from then on."""
        assert received.headers["content-type"] == "application/json"
        if json.loads(received.body) != {"clientId": ID, "clientSecret": self.secret}:
            return reply(json.dumps({"statusCode": 401, "message": f"Invalid {SECRET}"}), 401)
        self.issued += 1
        said = {"accessToken": self.token, "expiresIn": 7200, "tokenType": "Bearer"}
        return reply(json.dumps({**said, "accessTokenMaxTTL": 43200}))

    @property
    def token(self) -> str:
        """The one that is taken."""
        return f"access-token-{self.issued}"

    def revoke(self) -> None:
        """No token that was issued is taken any more."""
        self.issued += 1

    def paths(self) -> list[str]:
        """What was asked since the last time."""
        paths = [urlsplit(one.target).path for one in self.received]
        self.received.clear()
        return paths

    def request(self, **changes: Any) -> wire.SetSource:
        """To be backed by it."""
        values = {"type": "infisical", "url": f"https://{HOST}:{self.port}", "project": "p-1"}
        values |= {"environment": "prod", "path": "/team/app/"}
        values |= {"client_id": ID, "client_secret": SECRET}
        return wire.SetSource(**{**values, **changes})


def secret(key: str, value: Any, **more: Any) -> dict[str, Any]:
    """One entry of a list."""
    return {"id": "s", "secretKey": key, "secretValue": value, "type": "shared", **more}


def imported(*secrets: dict[str, Any], path: str = "/shared") -> dict[str, Any]:
    """One import, as a list has it."""
    return {"secretPath": path, "environment": "prod", "folderId": "f", "secrets": list(secrets)}


@pytest.fixture(scope="module")
def tls() -> Tls:
    """A certificate for the store."""
    return Tls()


@pytest.fixture
async def store(tls: Tls) -> AsyncIterator[FakeInfisical]:
    """A store that listens."""
    made = FakeInfisical()
    async with listening(made, tls.server) as made.port:
        yield made


@pytest.fixture
async def near(app: Application, tls: Tls) -> Application:
    """The empty vault `team`, and a way to the store."""
    await app.vaults.create(wire.VaultName(name="team"), ADA)
    app.sources.attach(GuardedHttp(guard().resolve, tls.client))
    return app


@pytest.fixture
async def backed(near: Application, store: FakeInfisical) -> Application:
    """The vault `team`, backed by it."""
    await near.sources.set("team", store.request(), ADA)
    return near


async def poll(app: Application, seconds: float = 70) -> None:
    """Let time pass, then read what is due."""
    clock = app._context.clock
    assert isinstance(clock, FakeClock)
    clock.advance(seconds)
    await app.sources.tick()


async def values_of(app: Application) -> dict[str, str | None]:
    """What the vault has."""
    found = await app.credentials.reveal("team", ADA)
    return {one.key: one.value for one in found.credentials or ()}


async def test_a_folder_is_the_vaults(backed: Application, store: FakeInfisical, tmp_path: Path):
    """Read at once and again when it is time; nothing lies open on disk."""
    assert await values_of(backed) == {"API_KEY": "value-one"}
    store.secrets = [secret("API_KEY", "value-two"), secret("db.password", "other")]
    await poll(backed)
    assert await values_of(backed) == {"API_KEY": "value-two", "DB_PASSWORD": "other"}
    shown = await backed.sources.show("team")
    assert (shown.type, shown.place) == (
        "infisical",
        f"https://{HOST}:{store.port} p-1 prod:/team/app (with imports)",
    )
    content = await asyncio.to_thread(
        lambda: b"".join(file.read_bytes() for file in tmp_path.glob("vault.db*"))
    )
    for hidden in (SECRET, "access-token", "value-one", "value-two"):
        assert hidden.encode() not in content


async def test_imports_fill_what_the_folder_has_not(near: Application, store: FakeInfisical):
    """Its own value counts, then the last import's, then, of one import, the first; or none are."""
    store.secrets = [secret("OWN", "own", secretPath="/team/app")]
    store.imports = [
        imported(secret("OWN", "x"), secret("FIRST", "1"), secret("BOTH", "early")),
        imported(secret("BOTH", "late"), secret("DEEP", "near"), secret("DEEP", "far")),
    ]
    await near.sources.set("team", store.request(), ADA)
    wanted = {"OWN": "own", "FIRST": "1", "BOTH": "late", "DEEP": "near"}
    assert await values_of(near) == wanted
    shown = await near.sources.set("team", store.request(imports=False), ADA)
    assert await values_of(near) == {"OWN": "own"}
    assert shown.place.endswith("prod:/team/app")
    store.is_old = True
    await near.sources.set("team", store.request(), ADA)
    assert await values_of(near) == wanted


async def test_a_folder_that_only_imports_is_not_empty(near: Application, store: FakeInfisical):
    """What it imports is what it holds; a value that is hidden there is an error, as elsewhere."""
    store.secrets, store.imports = [], [imported(secret("SHARED", "1"))]
    await near.sources.set("team", store.request(), ADA)
    assert await values_of(near) == {"SHARED": "1"}
    store.imports = [imported(secret("SHARED", "<hidden>", secretValueHidden=True))]
    await poll(near)
    assert await values_of(near) == {"SHARED": "1"}
    assert "hides values" in (await near.sources.show("team")).last_error


async def test_folders_below_are_read_if_wanted(near: Application, store: FakeInfisical):
    """The folder itself comes first; names that several have, below or in imports, are skipped."""
    store.secrets = [secret("OWN", "own", secretPath="/team/app")]
    store.below = [
        secret("OWN", "x", secretPath="/team/app/db"),
        secret("DB", "db", secretPath="/team/app/db"),
        secret("TWICE", "1", secretPath="/team/app/db"),
        secret("TWICE", "2", secretPath="/team/app/web"),
    ]
    store.imports = [
        imported(secret("DB", "x"), secret("ONE", "1"), secret("SAME", "1")),
        imported(secret("SAME", "2")),
    ]
    await near.sources.set("team", store.request(), ADA)
    assert await values_of(near) == {"OWN": "own", "DB": "x", "ONE": "1", "SAME": "2"}
    shown = await near.sources.set("team", store.request(recursive=True), ADA)
    assert await values_of(near) == {"OWN": "own", "DB": "db", "ONE": "1"}
    assert shown.skipped == ["SAME", "TWICE"]
    assert shown.place.endswith("/team/app (and folders below, with imports)")


@pytest.mark.timeout(30)  # a fraction of a second, or minutes
def test_many_small_imports_cost_no_more_than_their_names():
    """A store that means ill holds nobody up with an answer that is just small enough."""
    own = [secret(f"N{number}", "1") for number in range(20_000)]
    imports = [imported(secret("LAST", "1"))] * 100_000
    values = values_of_list({"secrets": own, "imports": imports}, "/", recursive=False)
    assert (len(values), values["LAST"]) == (20_001, "1")


async def test_a_token_serves_until_it_ends(backed: Application, store: FakeInfisical):
    """One login for many polls, another before its end, and one when it was revoked."""
    assert store.paths() == [LOGIN, V4]
    await poll(backed)
    assert store.paths() == [V4]
    await poll(backed, 7200)
    assert store.paths() == [LOGIN, V4]
    store.revoke()
    await poll(backed)
    assert store.paths() == [V4, LOGIN, V4]
    assert (await backed.sources.show("team")).failures == 0


async def test_a_server_without_version_4_is_asked_by_version_3(
    near: Application, store: FakeInfisical
):
    """With that version's name for the project."""
    store.is_old = True
    await near.sources.set("team", store.request(), ADA)
    assert store.paths() == [LOGIN, V4, V3]
    assert await values_of(near) == {"API_KEY": "value-one"}


async def test_a_wrong_secret_is_told_without_it(near: Application, store: FakeInfisical):
    """Nor with what the store says; the right one mends it."""
    store.secret = "another"
    shown = await near.sources.set("team", store.request(), ADA)
    assert shown.last_error == "The store refuses the machine identity (401)."
    assert SECRET not in str(near.sources.problems())
    shown = await near.sources.set("team", store.request(client_secret="another"), ADA)
    assert shown.last_error == ""
    assert await values_of(near) == {"API_KEY": "value-one"}


async def test_names_that_do_not_fit_are_skipped_and_told(
    backed: Application, store: FakeInfisical
):
    """Those that can't be keys, two that would be one, one that comes twice, what is no text."""
    pairs = [
        ("OK", "1"),
        ("1st", "x"),
        ("a-b", "1"),
        ("a.b", "2"),
        ("n", 7),
        ("T", "1"),
        ("T", "2"),
    ]
    store.secrets = [secret(*pair) for pair in pairs]
    await poll(backed)
    assert await values_of(backed) == {"OK": "1"}
    assert (await backed.sources.show("team")).skipped == ["1st", "T", "a-b", "a.b", "n"]


OUTAGES = [
    reply('{"message":"down"}', 503),
    reply('{"message":"forbidden"}', 403),
    reply('{"message":"slow down"}', 429),
    reply('{"message":"no such project"}', 404),
    reply("[" * 100_000),
    reply('{"secrets":[]}'),
    reply('{"secrets":{}}'),
    reply('{"secrets":[7]}'),
    reply('{"secrets":[],"imports":[{"secrets":7}]}'),
    reply('{"secrets":[{"secretKey":"A","secretValue":"1","secretPath":7}]}'),
    reply(json.dumps({"secrets": [secret("A", "<hidden>", secretValueHidden=True)]})),
    reply(json.dumps({"secrets": [secret(f"K{number}", "x") for number in range(501)]})),
    reply(b"", 302, location="https://elsewhere.test/"),
    b"",
]


async def test_an_outage_changes_nothing_and_is_told(backed: Application, store: FakeInfisical):
    """What it held last serves, also when the folder is gone or its values are hidden."""
    for number, store.outage in enumerate(OUTAGES, 1):
        await poll(backed, 700)
        assert await values_of(backed) == {"API_KEY": "value-one"}
        assert (await backed.sources.show("team")).failures == number
        (problem,) = backed.sources.problems()
        assert "access-token" not in problem
    store.outage = None
    await poll(backed, 700)
    assert backed.sources.problems() == []


async def test_a_sealed_vault_keeps_no_token(backed: Application, store: FakeInfisical):
    """Access ends with the keys."""
    source = next(iter(backed.sources._tokens._held))
    assert backed.sources._tokens.get(source) == store.token
    assert SECRET not in repr(source)
    backed._context.sealer.forget()
    await backed.sources.tick()
    assert backed.sources._tokens.get(source) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"project": ""},
        {"environment": ""},
        {"client_id": ""},
        {"client_secret": ""},
        {"client_secret": "a\nb"},
        {"path": "/a/../b"},
        {"path": "/a//b"},
        {"token": "t"},
        {"namespace": "n"},
        {"mount": "m"},
        {"url": "http://store.test"},
        {"type": "hashicorp", "path": "secret/app", "token": "t"},
    ],
)
async def test_what_can_not_be_polled_is_refused(
    near: Application, store: FakeInfisical, changes: dict[str, str]
):
    """Before anything is stored, and what belongs to another kind of store too."""
    with pytest.raises(VaultError) as caught:
        await near.sources.set("team", store.request(**changes), ADA)
    assert caught.value.code == "bad_request"
    assert store.received == []


def test_no_secret_is_in_a_repr():
    """Of the request, whichever store it is for."""
    shown = repr(
        wire.SetSource(type="x", url="u", secret_id="s-1", client_secret="s-2", token="s-3")
    )
    assert "s-" not in shown


def test_settings_of_another_kind_are_refused():
    """A kind that was changed in the database can't send one store's secrets to another."""
    with pytest.raises(SourceError):
        unsealed("infisical", b'{"url":"u","mount":"m","path":"p","token":"t"}')
