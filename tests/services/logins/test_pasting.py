"""OAuth credentials as operators see them: pasted, listed, refreshed, deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import ADA, events_of, put_credentials, seen_events
from tests.services.logins.conftest import LIFE, Provider, due, login_of, paste

OpenWorker = Callable[[], Awaitable[Application]]


@pytest.fixture
async def app(sqlite_worker: OpenWorker) -> Any:
    """An open worker."""
    application = await sqlite_worker()
    yield application
    await application.close()


async def fails(app: Application, provider: Provider, **fields: object) -> VaultError:
    """Pasting that is refused."""
    with pytest.raises(VaultError) as raised:
        await paste(app, provider, **fields)  # type: ignore[arg-type]
    return raised.value


async def listed(app: Application, key: str = "TOKEN") -> wire.CredentialInfo:
    """A credential in the list."""
    found = (await app.credentials.list("default", key)).credentials
    assert found
    return found[0]


async def test_pasted_tokens_are_proven_and_replaced(app: Application, provider: Provider) -> None:
    """The refresh token is used at once: what is kept are the tokens that came for it."""
    login = await paste(app, provider)
    access = await app.logins.access(login.id)
    assert provider.accepts(access.value)
    assert (provider.refreshes, access.generation) == (1, 1)
    assert app.vaults is not None
    assert (await app.credentials.names("default", ADA)).keys == ["TOKEN"]
    (event,) = events_of(app, "credential.changed")
    assert (event.data["name"], event.data["by"]) == ("TOKEN", ADA.label)


@pytest.mark.parametrize(
    ("fail", "code", "status"), [([], "bad_request", 400), ([503] * 9, "oauth_refresh_failed", 502)]
)
async def test_a_refresh_token_that_does_not_work_stores_nothing(
    app: Application, provider: Provider, fail: list[int], code: str, status: int
) -> None:
    """Neither a credential nor an event; the answer tells why, without the token."""
    provider.fail, provider.leak = fail, True
    error = await fails(app, provider, refresh_token="RT_never-issued-by-anyone-0123456789")
    assert (error.code, error.status) == (code, status)
    assert "RT_never" not in error.detail
    assert (await app.credentials.list("default")).credentials == []
    assert app.logins.all() == []
    assert events_of(app, "credential.changed") == []


async def test_tokens_without_a_refresh_token_are_stored_as_they_are(
    app: Application, provider: Provider
) -> None:
    """Nobody is asked; the end of its life is taken as given."""
    login = await paste(app, provider, access_token="AT_given", refresh_token="", expires_in=60)
    assert (await app.logins.access(login.id)).value == b"AT_given"
    assert provider.requests == 0
    assert (await listed(app)).next_refresh_at == (await listed(app)).expires_at != ""


async def test_pasting_again_replaces_the_tokens(app: Application, provider: Provider) -> None:
    """The credential and its login stay the same ones; the version grows."""
    first = await paste(app, provider)
    second = await paste(app, provider, client_id="other", scopes="read write")
    assert (second.id, second.generation) == (first.id, first.generation + 1)
    await app.logins.force(second.id, ADA)
    assert provider.reuse == 0


async def test_a_credential_keeps_its_type(app: Application, provider: Provider) -> None:
    """A stored value can't become an OAuth credential under the services that use it, nor back."""
    await put_credentials(app, STATIC="value")
    assert (await fails(app, provider, key="STATIC")).code == "conflict"
    assert provider.requests == 0
    await paste(app, provider)
    with pytest.raises(VaultError) as raised:
        await put_credentials(app, TOKEN="value")
    assert raised.value.code == "conflict"


@pytest.mark.parametrize(
    "fields",
    [
        {"token_url": "http://issuer.example/token"},
        {"token_url": "ftp://issuer.example/token"},
        {"token_url": ""},
        {"key": "lower"},
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"client_secret": "two\nlines"},
        {"expires_at": "soon"},
        {"token_auth_method": "magic"},
    ],
)
async def test_what_cannot_be_right_is_refused(
    app: Application, provider: Provider, fields: dict[str, object]
) -> None:
    """Before anybody is asked."""
    assert (await fails(app, provider, **fields)).code == "bad_request"
    assert provider.requests == 0


async def test_a_client_secret_is_kept_sealed_and_used(
    app: Application, provider: Provider
) -> None:
    """For refreshing; no answer, event or list shows it."""
    await paste(app, provider, client_secret="s3cr3t-of-the-client")
    await app.logins.force(login_of(app).id, ADA)
    told = repr(seen_events(app)) + repr(await listed(app)) + repr(login_of(app))
    assert "s3cr3t" not in told
    request = wire.PasteTokens(
        key="K", access_token="AT_x", refresh_token="RT_x", client_secret="s3cr3t"
    )
    assert "AT_x" not in repr(request)
    assert "RT_x" not in repr(request)
    assert "s3cr3t" not in repr(request)


async def test_the_list_shows_its_health(
    app: Application, provider: Provider, clock: FakeClock
) -> None:
    """Type, state, end, next refresh, how many there were, and the last error."""
    await paste(app, provider)
    fresh = await listed(app)
    assert (fresh.type, fresh.state, fresh.version) == ("oauth", "ok", 1)
    assert fresh.expires_at == rfc3339(clock.time() + LIFE)
    assert fresh.next_refresh_at < fresh.expires_at
    provider.fail = [503]
    await due(app, clock)
    await app.logins.settle()
    failing = await listed(app)
    assert (failing.state, failing.refresh_count) == ("failing", 0)
    assert failing.last_error.startswith("temporarily_unavailable")
    clock.advance(10)
    app.logins.run_due()
    await app.logins.settle()
    again = await listed(app)
    assert (again.state, again.refresh_count, again.last_error) == ("ok", 1, "")
    assert again.last_refresh_at == rfc3339(clock.time())


async def test_status_and_refresh_by_name(app: Application, provider: Provider) -> None:
    """What the API and the command line ask for; a name that is none is not found."""
    await paste(app, provider)
    before = app.oauth.status("default", "TOKEN")
    assert (before.connected, before.state, before.refresh_count) == (True, "connected", 0)
    after = await app.oauth.refresh(wire.RefreshOAuth(key="TOKEN"), ADA)
    assert after.refresh_count == 1
    await put_credentials(app, STATIC="value")
    for key in ("STATIC", "NOTHING"):
        with pytest.raises(VaultError) as raised:
            app.oauth.status("default", key)
        assert raised.value.code == "not_found"


async def test_a_sealed_vault_takes_no_tokens(app: Application, provider: Provider) -> None:
    """The refresh token isn't spent on tokens that could not be stored."""
    await app.keys.seal(ADA)
    assert (await fails(app, provider)).code == "sealed"
    assert provider.requests == 0


async def test_what_was_issued_waits_for_the_database(app: Application, provider: Provider) -> None:
    """The pasted refresh token is spent: what came for it is stored when it can be."""
    engine = app._context.database.engines.log

    async def break_and_mend() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE oauth_login RENAME TO away")
        provider.let_go()
        await asyncio.sleep(0.1)  # it mends while the first pause lasts
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO oauth_login")

    provider.keep_back()
    pasting = asyncio.create_task(paste(app, provider))
    await provider.held.wait()
    await break_and_mend()
    login = await pasting
    assert provider.accepts((await app.logins.access(login.id)).value)
    assert (provider.refreshes, provider.reuse) == (1, 0)


async def test_revealing_leaves_tokens_out(app: Application, provider: Provider) -> None:
    """They change by themselves; nobody needs to see one."""
    await paste(app, provider)
    await put_credentials(app, STATIC="value")
    found = await app.credentials.reveal("default", ADA)
    assert [(one.key, one.value) for one in found.credentials or ()] == [
        ("STATIC", "value"),
        ("TOKEN", None),
    ]


async def test_it_is_there_after_a_restart(sqlite_worker: OpenWorker, provider: Provider) -> None:
    """With all that was known of it."""
    app = await sqlite_worker()
    await paste(app, provider)
    status = app.oauth.status("default", "TOKEN")
    await app.close()
    again = await sqlite_worker()
    found = again.oauth.status("default", "TOKEN")
    assert (found.connected_at, found.expires_at) == (status.connected_at, status.expires_at)
    await again.close()
