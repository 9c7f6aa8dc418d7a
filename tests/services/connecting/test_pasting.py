"""What a person pastes, and who listens besides."""

import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.connecting.providers import Providers
from proxy_core.services.principal import operator
from tests.oauth.person import Person
from tests.ports import reserved_port
from tests.services.conftest import ADA
from tests.services.connecting.conftest import CALLBACK, Provider, begin, token_of


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody listens at."""
    with reserved_port() as found:
        yield found


async def paste(app: Application, flow: wire.OAuthFlow, text: str) -> wire.OAuthFlow:
    """Complete a flow with a text."""
    return await app.flows.complete(app.flows.get(flow.id), text)


def parts(address: str) -> tuple[str, str]:
    """Code and state of a callback's address."""
    query = parse_qs(urlsplit(address).query)
    return query["code"][0], query["state"][0]


@pytest.mark.parametrize("form", ["address", "query", "code#state", "code", " address\n"])
async def test_every_form(app: Application, provider: Provider, form: str) -> None:
    """The whole address, its query, code and state, or the bare code that PKCE binds."""
    flow = await begin(app, provider, headless=True)
    assert flow.kind == "headless"
    address = provider.agreed(flow)
    code, state = parts(address)
    texts = {
        "address": address,
        "query": urlsplit(address).query,
        "code#state": f"{code}#{state}",
        "code": code,
        " address\n": f"  {address}\n",
    }
    ended = await paste(app, flow, texts[form])
    assert ended.state == "connected"
    assert provider.accepts(await token_of(app))


async def test_what_can_not_be_used(app: Application, provider: Provider) -> None:
    """Foreign states and other texts are refused, and the login goes on waiting."""
    flow, other = await begin(app, provider), await begin(app, provider, "OTHER")
    address = provider.agreed(flow)
    code, _ = parts(address)
    foreign = parts(provider.agreed(other))[1]
    refusal = urlencode({"error": "access_denied", "state": foreign})
    bad = ("", "a b", f"{code}#{foreign}", provider.agreed(other), f"{CALLBACK}?{refusal}")
    odd = ("\0", "ä#ö", "a#b#c", "https://[", f"{CALLBACK}?code=a&code=b", "error=x", "x" * 20_000)
    for text in (*bad, *odd):
        with pytest.raises(VaultError) as caught:
            await paste(app, flow, text)
        assert caught.value.code == "bad_request"
        assert code not in str(caught.value)
    assert app.flows.get(other.id).pending
    assert (await paste(app, flow, address)).state == "connected"


async def test_a_bare_code_without_pkce(app: Application, provider: Provider) -> None:
    """Nothing binds it to this login, so its state has to come along."""
    flow = await begin(app, provider, disable_pkce=True)
    with pytest.raises(VaultError, match="Paste the whole address"):
        await paste(app, flow, "some-code")
    assert app.flows.get(flow.id).pending


async def test_a_pasted_refusal(app: Application, provider: Provider) -> None:
    """It ends the login that it belongs to."""
    flow = await begin(app, provider)
    state = parse_qs(urlsplit(flow.authorization_url).query)["state"][0]
    refusal = urlencode({"error": "access_denied", "state": state})
    ended = await paste(app, flow, f"{CALLBACK}?{refusal}")
    assert (ended.state, ended.error) == ("failed", "access_denied")


async def test_a_listener_of_its_own(app: Application, provider: Provider, port: int) -> None:
    """A client whose callback is prescribed is waited for there, for one hit."""
    flow = await begin(app, provider, callback_port=port)
    assert flow.redirect_uri == f"http://127.0.0.1:{port}/callback"
    address = provider.agreed(flow)
    async with Person() as person:
        assert "Signed in" in (await person.open(address)).text
    ended = await app.flows.wait(app.flows.get(flow.id), 30)
    assert ended.state == "connected"
    again = await begin(app, provider, callback_port=port)  # the port is free again
    assert again.state == "pending"


async def test_a_listener_hears_a_refusal(app: Application, provider: Provider, port: int) -> None:
    """The provider's error ends the login."""
    flow = await begin(app, provider, callback_port=port)
    state = parse_qs(urlsplit(flow.authorization_url).query)["state"][0]
    async with Person() as person:
        await person.open(f"{flow.redirect_uri}?error=access_denied&state=other")
        assert app.flows.get(flow.id).pending
        await person.open(f"{flow.redirect_uri}?error=access_denied&state={state}")
    ended = await app.flows.wait(app.flows.get(flow.id), 30)
    assert (ended.state, ended.error) == ("failed", "access_denied")


async def test_pasting_where_a_listener_waits(
    app: Application, provider: Provider, port: int
) -> None:
    """Whichever comes first counts, and the port is given up."""
    flow = await begin(app, provider, callback_port=port)
    assert (await paste(app, flow, provider.agreed(flow))).state == "connected"
    task = app.flows.get(flow.id).task
    assert task is not None
    await task
    socket.create_server(("127.0.0.1", port)).close()


async def test_the_same_port_again(app: Application, provider: Provider, port: int) -> None:
    """The newer login of the same operator takes the port over; another one's is refused."""
    old = await begin(app, provider, callback_port=port)
    new = await begin(app, provider, "OTHER", callback_port=port)
    ended = await app.flows.wait(app.flows.get(old.id), 0)
    assert (ended.state, ended.error) == ("cancelled", "superseded")
    fields = provider.fields(callback_port=port)
    request = wire.ConnectOAuth(key="THIRD", **fields)  # type: ignore[arg-type]
    with pytest.raises(VaultError) as caught:
        await app.connecting.credential(request, operator("bob"))
    assert caught.value.code == "conflict"
    assert (await paste(app, new, provider.agreed(new))).state == "connected"


async def test_a_port_that_another_program_has(app: Application, provider: Provider) -> None:
    """It is said, nothing is left behind, and a way out is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(VaultError, match=f"port {port} is taken") as caught:
            await begin(app, provider, callback_port=port)
    assert caught.value.code == "conflict"
    assert "headless" in caught.value.detail
    assert (await begin(app, provider, callback_port=port)).state == "pending"


async def test_an_api_that_no_browser_reaches(app: Application, provider: Provider) -> None:
    """Then every login has a listener of its own."""
    attached = app.flows.providers
    app.flows.attach(Providers(attached.endpoint, attached.http, ""))
    flow = await begin(app, provider)
    assert flow.redirect_uri.startswith("http://127.0.0.1:")
    assert flow.redirect_uri.endswith("/callback")
    with pytest.raises(VaultError) as caught:
        await app.flows.callback(urlsplit(provider.agreed(flow)).query)
    assert caught.value.code == "not_found"


async def test_the_providers_page_that_shows_a_code(app: Application, provider: Provider) -> None:
    """Anthropic's: without a browser here it is the redirect, and `code#state` is pasted."""
    urls = {name: provider.fields()[name] for name in ("authorization_url", "token_url")}
    request = wire.ConnectOAuth(
        key="CLAUDE", provider="anthropic", token_format="form", headless=True, **urls
    )
    flow = await app.connecting.credential(request, ADA)
    assert flow.redirect_uri == "https://platform.claude.com/oauth/code/callback"
    code, state = parts(provider.agreed(flow))
    ended = await paste(app, flow, f"{code}#{state}")
    assert ended.state == "connected"
    assert provider.received[-1].form["state"] == state
