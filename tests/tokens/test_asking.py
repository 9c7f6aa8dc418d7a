"""A person signs in at a real OpenID provider, in each of the ways."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.callbacks import Callback
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.tokens.asking import Arrival, await_device, tokens_for
from proxy_core.tokens.issuer import Issuer, client_of
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import check_id_token
from tests.oauth.person import Person

pytestmark = pytest.mark.xdist_group("oidc-provider")


def found(issuer: str) -> OAuthClient:
    """A public client of the issuer, by discovery."""
    return replace(Issuer.at(issuer).discover(issuer), client_id="public")


def browse(url: str, until: str, opens: bool = True) -> str:
    """A person agrees; where the browser ended, opened or not."""

    async def through() -> str:
        async with Person("ann") as person:
            address = await person.connect(url, until)
            if opens:
                assert "Signed in" in (await person.open(address)).text
            return address

    return asyncio.run(through())


def test_a_callback_that_arrives(issuer: str) -> None:
    """Tokens of both kinds, which can be refreshed and revoked."""
    client = found(issuer)
    asked = Issuer.at(issuer)
    with Arrival(client) as arrival:
        browse(arrival.request.url, arrival.request.redirect_uri)
        answer = tokens_for(asked, client, arrival, arrival.result())
    assert check_id_token(answer.id_token, issuer, "public")["sub"] == "ann"
    first = (answer.tokens.refresh_token or b"").decode()
    again = asked.refresh(client, first)
    assert again.id_token
    second = (again.tokens.refresh_token or b"").decode()
    assert first != second
    asked.revoke(client, second)
    with pytest.raises(TokenError, match="invalid_grant"):
        asked.refresh(client, second)


def test_an_address_that_is_pasted(issuer: str) -> None:
    """The whole address or the code alone; another login's or another issuer's is refused."""
    client = found(issuer)
    with Arrival(client) as arrival:
        address = browse(arrival.request.url, arrival.request.redirect_uri, opens=False)
        with pytest.raises(VaultError, match="another login"):
            arrival.pasted(address.replace("state=", "state=x"))
        callback = arrival.pasted(address)
        assert arrival.pasted(callback.code).code == callback.code
    with pytest.raises(VaultError, match="another issuer"):
        tokens_for(Issuer.at(issuer), client, arrival, Callback("c", "", "https://x.test"))
    assert tokens_for(Issuer.at(issuer), client, arrival, callback).id_token


def test_a_device_code(issuer: str) -> None:
    """Confirmed while we wait."""
    client, asked = found(issuer), Issuer.at(issuer)
    start = asked.start_device(client)
    waited: list[float] = []

    def confirm(seconds: float) -> None:
        if waited:

            async def agree() -> None:
                async with Person("ann") as person:
                    await person.agree(start.verification_uri_complete)

            asyncio.run(agree())
        waited.append(seconds)

    assert await_device(asked, client, start, confirm).id_token
    assert len(waited) == 2


def test_a_refusal(issuer: str) -> None:
    """The person takes the way out: final, with the provider's reason."""
    with Arrival(found(issuer)) as arrival:

        async def refuse() -> None:
            async with Person() as person:
                request = arrival.request
                await person.open(await person.refuse(request.url, request.redirect_uri))

        asyncio.run(refuse())
        with pytest.raises(TokenError) as caught:
            arrival.result()
    assert (caught.value.final, caught.value.code) == (True, "access_denied")


def test_what_cannot_begin(unused_tcp_port_factory: Callable[[], int]) -> None:
    """No authorization endpoint, or a port that is taken."""
    client = OAuthClient(token_url="https://i.test/t", client_id="c")
    with pytest.raises(VaultError, match="authorization URL"), Arrival(client):
        pass
    client = replace(
        client, authorization_url="https://i.test/a", callback_port=unused_tcp_port_factory()
    )
    with Arrival(client), pytest.raises(VaultError, match="is taken"), Arrival(client):
        pass


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("", ("127.0.0.1", None, "/callback")),
        ("http://localhost:8400/cb", ("localhost", 8400, "/cb")),
        ("http://localhost", ("localhost", None, "/")),
    ],
)
def test_the_redirect_that_is_registered(uri: str, expected: tuple[str, int | None, str]) -> None:
    """On this machine, by the name that the issuer knows."""
    client = client_of(Login(redirect_uri=uri, audience="api", scopes="openid offline_access"))
    assert (client.callback_host, client.callback_port, client.callback_path) == expected
    assert client.authorization_parameters == {"audience": "api", "prompt": "consent"}


@pytest.mark.parametrize("uri", ["https://localhost/", "http://x.test/", "http://localhost/?a=1"])
def test_a_redirect_elsewhere(uri: str) -> None:
    """The code would go to somebody else."""
    with pytest.raises(VaultError, match="must look like"):
        client_of(Login(redirect_uri=uri))
