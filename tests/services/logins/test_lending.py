"""The broker and OAuth credentials: what a request gets, and what a 401 sets off."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Decision, Injection, ResponseFacts
from proxy_core.domain.oauth import OAuthClient
from proxy_core.services.application import Application
from proxy_core.store import logins as store
from tests.services.conftest import ADA, basic, facts, make_agent, put_credentials, put_service
from tests.services.logins.conftest import Provider, login_of, paste

HOST = "api.example.com"
UNAUTHORIZED = ResponseFacts(401, (), True)


@dataclass
class Client:
    """An agent's part of the broker's protocol."""

    app: Application
    token: str

    def decide(self) -> Decision:
        """The decision on a request to the service."""
        access = self.app.broker.authenticate(basic(self.token, "default"))
        decision = self.app.broker.decide(access, facts(HOST))
        assert isinstance(decision, Decision)
        return decision

    async def inject(self) -> Injection:
        """What a request to the service gets."""
        return await self.app.broker.inject(self.decide())


@pytest.fixture
async def client(sqlite_worker: Callable[[], Awaitable[Application]], provider: Provider) -> Any:
    """An agent of a worker with a bearer service over an OAuth credential."""
    app = await sqlite_worker()
    await paste(app, provider)
    await put_service(app, "example", HOST, "TOKEN")
    yield Client(app, await make_agent(app, "bot", "default"))
    await app.close()


async def test_a_request_gets_the_access_token(client: Client, provider: Provider) -> None:
    """In the header that the service declares; the loan says which generation it was."""
    injection = await client.inject()
    ((name, value),) = injection.headers
    assert name == b"Authorization"
    assert provider.accepts(value.removeprefix(b"Bearer "))
    assert injection.loan is not None
    assert (injection.loan.credential_key, injection.loan.generation) == ("TOKEN", 1)


async def test_a_decision_on_a_borrowed_credential_can_be_reconsidered(client: Client) -> None:
    """So the data path keeps the body, whatever the method."""
    decision = client.decide()
    assert decision.borrows
    assert decision.reconsiders
    assert not decision.pooled


async def test_each_generation_is_scrubbed(client: Client) -> None:
    """The token that a request carried becomes a placeholder in what comes back."""
    first = await client.inject()
    old = first.headers[0][1].removeprefix(b"Bearer ")
    await client.app.logins.force(login_of(client.app).id, ADA)
    second = await client.inject()
    new = second.headers[0][1].removeprefix(b"Bearer ")
    assert first.scrub is not None
    assert second.scrub is not None
    assert first.scrub.whole(b"you sent " + old) == b"you sent __token__"
    assert second.scrub.whole(b"you sent " + new) == b"you sent __token__"
    assert (await client.inject()).scrub is second.scrub


async def test_a_401_is_tried_again_once(client: Client, provider: Provider) -> None:
    """With the token that follows; a second 401 passes."""
    broker = client.app.broker
    decision, first = client.decide(), await client.inject()
    again = await broker.reconsider(decision, first.loan, UNAUTHORIZED)
    assert again is not None
    second = await broker.inject(again)
    assert second.loan is not None
    assert second.loan.generation == 2
    assert await broker.reconsider(again, second.loan, UNAUTHORIZED) is None
    assert provider.refreshes == 2


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 529])
async def test_other_refusals_pass(client: Client, provider: Provider, status: int) -> None:
    """They say nothing about the token."""
    injection = await client.inject()
    answer = ResponseFacts(status, (), True)
    assert await client.app.broker.reconsider(client.decide(), injection.loan, answer) is None
    assert provider.refreshes == 1


async def test_what_the_upstream_accepts_is_noted(client: Client, provider: Provider) -> None:
    """A forced generation that worked is worth another one when it is refused later."""
    broker = client.app.broker
    for generation in (1, 2, 3):
        injection = await client.inject()
        assert injection.loan is not None
        assert injection.loan.generation == generation
        broker.observe(injection.loan, 200, ())
        again = await broker.reconsider(client.decide(), injection.loan, UNAUTHORIZED)
        assert again is not None
    assert provider.refreshes == 4


async def test_a_request_touches_no_database(client: Client) -> None:
    """A valid token is in memory: the worker's database may be gone."""
    with client.app._context.database.engines.log.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE oauth_login RENAME TO away")
    for _ in range(3):
        assert (await client.inject()).headers


async def test_a_credential_that_was_never_connected(client: Client) -> None:
    """The agent is told so, with the command that connects it."""
    app = client.app
    configuration = OAuthClient(token_url="https://issuer.example/token")
    vault_id = login_of(app).vault_id
    pending = await app._context.database.run(
        lambda session: app.logins.create(session, vault_id, configuration, None, None)
    )
    app.logins.put(pending)
    with pytest.raises(VaultError) as raised:
        await app.logins.access(pending.id)
    assert raised.value.code == "oauth_not_connected"
    assert raised.value.status == 502
    with pytest.raises(VaultError) as raised:
        await app.logins.force(pending.id, ADA)
    assert raised.value.code == "oauth_not_connected"


async def test_stored_values_beside_it_are_injected_too(client: Client) -> None:
    """A service may use both kinds."""
    await put_credentials(client.app, OTHER="other-value")
    item = {"key": "OTHER", "placeholder": "__mine__", "in": ["path"]}
    await put_service(client.app, "example", HOST, "TOKEN", substitutions=[item])
    injection = await client.inject()
    assert injection.substitutions[0].value == b"other-value"
    assert injection.loan is not None


async def test_a_deleted_credential_is_missing_at_the_next_request(client: Client) -> None:
    """As any other."""
    await client.app.credentials.delete(wire.DeleteCredentials(keys=["TOKEN"]), ADA)
    with pytest.raises(VaultError) as raised:
        await client.inject()
    assert raised.value.code == "credential_not_found"


async def test_an_unreadable_token_names_the_remedy(client: Client) -> None:
    """A flipped bit isolates this credential; the agent learns which command mends it."""
    app = client.app

    def damage(session: Session) -> None:
        row = store.login(session, login_of(app).id)
        assert row.sealed_access is not None
        row.sealed_access = row.sealed_access[:-1] + bytes([row.sealed_access[-1] ^ 1])

    await app._context.database.run(damage)
    app.logins.forget(login_of(app).id)
    await app.logins.reload()
    with pytest.raises(VaultError) as raised:
        await client.inject()
    assert raised.value.code == "credential_unreadable"
    assert "oauth connect TOKEN" in raised.value.extra["remedy"]
