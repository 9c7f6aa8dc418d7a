"""Logins of agents: carried out for them, kept in the vault, answered with stand-ins."""

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Access, ActorType, Decision
from proxy_core.domain.oauth import presets
from proxy_core.domain.oauth.capture import Captured, LoginAnswer, LoginRequest
from proxy_core.domain.service import Auth, AuthType, Service
from proxy_core.services import capturing
from proxy_core.services.application import Application
from proxy_core.services.connecting.clients import stored_configuration
from tests.services.conftest import ADA, events_of
from tests.services.connecting.conftest import Provider

REDIRECT = "http://localhost:54545/callback"
CHALLENGE = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"  # of the verifier `test`
BOT = Access(b"t" * 32, ActorType.AGENT, "1", "bot", "default")


def decision(vault: str = "default", name: str = "claude") -> Decision:
    """A service that covers the provider's token endpoint."""
    auth = Auth(AuthType.BEARER, token="ANTHROPIC")
    return Decision(vault, Service(name, "127.0.0.1", auth, path="/token", capture=True), "why")


async def ask(
    app: Application,
    provider: Provider,
    fields: Mapping[str, object],
    *,
    kind: Captured = Captured.TOKEN,
    vault: str = "default",
    name: str = "claude",
    as_json: bool = False,
    authorization: str = "",
) -> LoginAnswer | None:
    """Send it as an agent would."""
    body = json.dumps(fields) if as_json else urlencode(fields)
    content_type = "application/json" if as_json else "application/x-www-form-urlencoded"
    url = f"http://127.0.0.1:{provider.port}/token"
    request = LoginRequest(kind, url, content_type, authorization, body.encode())
    return await app.capturing.answer(BOT, decision(vault, name), request)


async def log_in(app: Application, provider: Provider, name: str = "claude") -> LoginAnswer:
    """A whole login with a fresh code."""
    answer = await ask(app, provider, login(provider), name=name)
    assert answer is not None
    return answer


def login(provider: Provider, **more: object) -> dict[str, object]:
    """What a client sends with a code that a person has just agreed to."""
    return {
        "grant_type": "authorization_code",
        "code": provider.code(CHALLENGE, REDIRECT),
        "redirect_uri": REDIRECT,
        "client_id": "cli",
        "code_verifier": "test",
        **more,
    }


def refresh(token: object, **more: object) -> dict[str, object]:
    """What a client sends when its access token has ended."""
    return {"grant_type": "refresh_token", "refresh_token": token, "client_id": "cli", **more}


@pytest.fixture
def provider_of_claude(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider, taken for Anthropic's."""
    anthropic = next(one for one in presets() if one.id == "anthropic")
    monkeypatch.setattr(capturing, "preset_of", lambda url: anthropic)
    provider.email = "ada@example.com"
    return provider


async def test_a_login_becomes_an_account(app: Application, provider_of_claude: Provider) -> None:
    """The first one makes the pool credential; the agent gets nothing that is real."""
    provider = provider_of_claude
    answer = await log_in(app, provider)
    (account,) = app.accounts.state.roster.present(app._context.vault("default").id)
    assert answer.status == 200
    assert answer.document == {
        "token_type": "Bearer",
        "access_token": f"__vault-tui-access-{account.login_id}__",
        "refresh_token": f"__vault-tui-refresh-{account.login_id}__",
        "expires_in": 3600,
        "account": {"uuid": "", "email_address": "ada@example.com"},
    }
    assert (account.email, account.nickname, account.provider) == (
        "ada@example.com",
        "ada",
        "claude",
    )
    token = (await app.logins.access(account.login_id)).value
    assert provider.accepts(token)
    assert "ANTHROPIC" in app._context.vault("default").borrowed
    told = [event.data for event in events_of(app, "account.changed")]
    assert [(one["change"], one["by"]) for one in told] == [("added", "agent bot")]
    await app.accounts.admin.refresh("default", "ada", ADA)
    assert provider.refreshes == 1


async def test_the_same_person_again_is_the_same_account(
    app: Application, provider_of_claude: Provider
) -> None:
    """Connected anew; the stand-ins stay the same."""
    first = await log_in(app, provider_of_claude)
    second = await log_in(app, provider_of_claude)
    assert first == second
    assert len(app.logins.all()) == 1


async def test_no_email_that_is_merely_claimed_takes_an_account_over(
    app: Application, provider: Provider
) -> None:
    """Of a provider that is not known to have checked it."""
    provider.email = "ada@example.com"
    await log_in(app, provider, name="other")
    await log_in(app, provider, name="other")
    vault_id = app._context.vault("default").id
    assert [one.email for one in app.accounts.state.roster.present(vault_id, "other")] == ["", ""]


async def test_a_stand_in_is_answered_with_itself(
    app: Application, provider_of_claude: Provider
) -> None:
    """Again and again, in JSON as in a form, and the provider hears nothing."""
    answer = await log_in(app, provider_of_claude)
    asked = provider_of_claude.requests
    document = answer.document
    for as_json in (True, False):
        fields = refresh(document["refresh_token"], scope="user:inference")
        again = await ask(app, provider_of_claude, fields, as_json=as_json)
        assert again is not None
        assert again.status == 200
        assert again.document["access_token"] == document["access_token"]
        assert again.document["refresh_token"] == document["refresh_token"]
        assert again.document["expires_in"] == 3600
        assert again.document["scope"]
    assert provider_of_claude.requests == asked


async def test_a_refresh_that_is_due_happens_once(
    app: Application, provider_of_claude: Provider, clock: FakeClock
) -> None:
    """However many agents ask with the stand-in."""
    answer = await log_in(app, provider_of_claude)
    clock.advance(4000)
    fields = refresh(answer.document["refresh_token"])
    answers = await asyncio.gather(*(ask(app, provider_of_claude, fields) for _ in range(5)))
    assert all(one is not None and one.status == 200 for one in answers)
    await app.logins.settle()
    assert provider_of_claude.refreshes == 1


async def test_a_stand_in_stays_good_when_the_login_does_not(
    app: Application, provider_of_claude: Provider, clock: FakeClock
) -> None:
    """The agent must not forget its login: what is wrong is said where the token is used."""
    answer = await log_in(app, provider_of_claude)
    for family in provider_of_claude._families.values():
        family.revoked = True
    clock.advance(4000)
    again = await ask(app, provider_of_claude, refresh(answer.document["refresh_token"]))
    assert again is not None
    assert (again.status, again.document["expires_in"]) == (200, 60)


async def test_a_stand_in_counts_in_its_own_vault_alone(
    app: Application, provider_of_claude: Provider
) -> None:
    """Elsewhere, and for a login that is gone, it is unknown."""
    answer = await log_in(app, provider_of_claude)
    await app.vaults.create(wire.VaultName(name="other"), ADA)
    fields = refresh(answer.document["refresh_token"])
    refused = await ask(app, provider_of_claude, fields, vault="other")
    assert refused is not None
    assert (refused.status, refused.document["error"]) == (400, "invalid_grant")
    gone = await ask(app, provider_of_claude, refresh("__vault-tui-refresh-0000__"))
    assert gone is not None
    assert gone.document["error"] == "invalid_grant"
    any_other = await ask(app, provider_of_claude, refresh("__PLACEHOLDER__", scope="a b"))
    assert any_other is not None
    assert any_other.document == {
        "token_type": "Bearer",
        "access_token": "__PLACEHOLDER__",
        "refresh_token": "__PLACEHOLDER__",
        "expires_in": 3600,
        "scope": "a b",
    }


async def test_a_real_refresh_token_is_used_once(
    app: Application, provider_of_claude: Provider
) -> None:
    """An agent that had logged in before hands it over; asking twice at once ends nothing."""
    _, token = provider_of_claude.seed()
    fields = refresh(token.decode())
    both = await asyncio.gather(*(ask(app, provider_of_claude, fields) for _ in range(2)))
    late = await ask(app, provider_of_claude, fields)
    assert both[0] == both[1] == late
    assert late is not None
    assert late.document["refresh_token"].startswith("__vault-tui-refresh-")
    assert (provider_of_claude.refreshes, provider_of_claude.reuse) == (1, 0)
    assert len(app.logins.all()) == 1


async def test_an_agent_that_leaves_loses_nothing(
    app: Application, provider_of_claude: Provider
) -> None:
    """What the provider has rotated is kept."""
    _, token = provider_of_claude.seed()
    asking = asyncio.create_task(ask(app, provider_of_claude, refresh(token.decode())))
    while not provider_of_claude.requests:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.001)
    asking.cancel()
    await app._context.settle()
    (login,) = app.logins.all()
    assert provider_of_claude.accepts((await app.logins.access(login.id)).value)


async def test_a_client_with_a_secret_is_kept_with_it(app: Application, provider: Provider) -> None:
    """For refreshes; an account of a provider without a preset is named after the service."""
    answer = await ask(
        app,
        provider,
        login(provider, resource="https://api.example"),
        name="acme",
        authorization="Basic Y2xpOnMlM2FjcmV0",
    )
    assert answer is not None
    (one,) = app.logins.all()
    kept = await stored_configuration(app._context, one.id)
    assert (kept.client.client_id, kept.secret) == ("cli", b"s:cret")
    assert kept.client.token_parameters == {"resource": "https://api.example"}
    (account,) = app.accounts.state.roster.present(app._context.vault("default").id)
    assert account.provider == "acme"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "wr\u00f6ng"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "client_assertion": "x"}, "invalid_client"),
    ],
)
async def test_what_is_refused(
    app: Application, provider: Provider, fields: dict[str, object], code: str
) -> None:
    """As a token endpoint says it; nothing is stored."""
    answer = await ask(app, provider, fields)
    assert answer is not None
    assert (answer.status, answer.document["error"]) == (400, code)
    assert app.logins.all() == []


async def test_an_endpoint_that_is_down_says_so(app: Application, provider: Provider) -> None:
    """The agent may try again."""
    provider.fail = [503, 503]
    answer = await ask(app, provider, refresh("RT_x"))
    assert answer is not None
    assert answer.status == 503


async def test_revoking_a_stand_in_reaches_nobody(app: Application, provider: Provider) -> None:
    """The vault's login is the operator's; a real token's revocation goes on."""
    ours = {"token": "__vault-tui-refresh-01__"}
    answer = await ask(app, provider, ours, kind=Captured.REVOCATION)
    assert answer == LoginAnswer(200, {})
    real = await ask(app, provider, {"token": "sk-real"}, kind=Captured.REVOCATION)
    assert real is None


async def test_nothing_is_captured_while_sealed(app: Application, provider: Provider) -> None:
    """A code that could not be kept is not spent."""
    await app.keys.seal(ADA)
    with pytest.raises(VaultError, match="sealed"):
        await log_in(app, provider)
    assert provider.requests == 0
