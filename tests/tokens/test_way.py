"""The way to the issuer: a real proxy that opens tunnels, and CAs of one's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy_core.domain.oauth.failures import TokenError
from proxy_core.tokens.https import Https
from proxy_core.tokens.issuer import Issuer, client_of
from proxy_core.tokens.login import Login
from proxy_core.tokens.way import proxy_for
from tests.oauth.servers import HOST, Script, Tls, listening, reply

URL = f"https://{HOST}/token"


@dataclass
class TunnelProxy:
    """Opens a tunnel to one port of this machine, whatever host is asked for; or refuses."""

    leads_to: int
    refuses: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if self.refuses:
            writer.write(f"HTTP/1.1 {self.refuses}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.leads_to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def proxied(leads_to: int, refuses: str = "") -> AsyncIterator[TunnelProxy]:
    """A proxy that listens."""
    proxy = TunnelProxy(leads_to, refuses)
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    async with server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no CAs but those that a test names."""
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """The issuer's certificate; its CA is in a file."""
    found = Tls()
    (tmp_path / "ca.pem").write_bytes(found._authority.cert_pem.bytes())
    return found


async def post(http: Https) -> int:
    """The status of an answer to a form."""
    sent = await asyncio.to_thread(http.post, URL, {}, b"refresh_token=s3cret")
    return sent.status


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
async def test_through_the_companys_proxy(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It sees the issuer's name and who asks, and nothing of what is inside the tunnel."""
    script = Script(reply())
    async with listening(script, tls.server) as port, proxied(port) as proxy:
        monkeypatch.setenv(variable, f"http://jo:p%40ss@127.0.0.1:{proxy.port}")
        assert await post(Https(ca_file=str(tmp_path / "ca.pem"))) == 200
    (asked,) = proxy.asked
    assert asked.startswith(f"CONNECT {HOST}:443 ")
    assert "Proxy-Authorization: Basic am86cEBzcw==" in asked
    assert script.received[0].body == b"refresh_token=s3cret"
    assert "proxy-authorization" not in script.received[0].headers


@pytest.mark.parametrize("where", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "--ca-file"])
async def test_cas_of_ones_own(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """By any of the usual variables, or by the option; without them the certificate is refused."""
    path = str(tmp_path / "ca.pem")
    async with listening(Script(reply(), reply()), tls.server) as port, proxied(port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(TokenError) as caught:
            await post(Https())
        assert caught.value.code == "tls"
        if where.isupper():
            monkeypatch.setenv(where, path)
        assert await post(Https(ca_file=path if where == "--ca-file" else "")) == 200


def test_the_ca_file_of_a_login_is_used_again(tmp_path: Path) -> None:
    """For each refresh, as when it was signed in."""
    login = Login(issuer=f"https://{HOST}", ca_file=str(tmp_path / "gone.pem"), token_url=URL)
    with pytest.raises(TokenError, match="--ca-file"):
        Issuer.of(login, "").refresh(client_of(login), "s3cret")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    """It is named by what named it, and nothing is sent."""
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(TokenError, match="--ca-file") as caught:
        Https(ca_file=str(tmp_path / "ca.pem")).get(URL, {})
    assert (caught.value.final, caught.value.code) == (False, "ca_unusable")


async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status is told; its own words, and who asked it, are not. Nothing ends the login."""
    async with proxied(0, "407 ask ada") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://jo:s3cret@127.0.0.1:{proxy.port}")
        with pytest.raises(TokenError) as caught:
            await post(Https())
    assert (caught.value.final, caught.value.code) == (False, "proxy_failed")
    assert "HTTP 407" in caught.value.detail
    assert "ada" not in caught.value.detail + repr(proxy_for(HOST, {"HTTPS_PROXY": "h:s3cret@x"}))
    assert len(proxy.asked) == 1


@pytest.mark.timeout(30)
async def test_a_proxy_that_never_ends_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and there is always another one: the whole has its time, too."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while not writer.is_closing():
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(TokenError) as caught:
            await post(Https(total_seconds=0.2))
    assert (caught.value.final, caught.value.code) == (False, "proxy_failed")


def test_who_asks_a_proxy_may_have_any_name() -> None:
    """The environment holds bytes that are no text, too."""
    found = proxy_for(HOST, {"HTTPS_PROXY": "http://j\udcf6:p\udce4ss@proxy.test:3128"})
    assert found is not None
    assert found.headers == {"Proxy-Authorization": "Basic avY6cORzcw=="}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HTTPS_PROXY": ""},
        {"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": "other.test,.test"},
        {"https_proxy": "http://proxy.test:3128", "no_proxy": "*"},
        {"HTTPS_PROXY": "http://vt_sess_0123:default@127.0.0.1:14322"},
        {"HTTPS_PROXY": "http://vt_agt_0123:default@vault.test:14322"},
        {"HTTPS_PROXY": "https://vt_agt_0123:default@vault.test:14322"},
    ],
)
def test_straight_to_the_issuer(environ: dict[str, str]) -> None:
    """Without a proxy, past it, and past a worker of ours: it has no use for a refresh token."""
    assert proxy_for(HOST, environ) is None


def test_this_machine_needs_no_proxy() -> None:
    """Whatever the environment says."""
    environ = {"HTTPS_PROXY": "http://proxy.test:3128"}
    assert proxy_for("127.0.0.1", environ) is proxy_for("localhost", environ) is None
    found = proxy_for(HOST, environ)
    assert found is not None
    assert (found.host, found.port, found.headers) == ("proxy.test", 3128, {})


@pytest.mark.parametrize(
    "url", ["socks5://p.test:1080", "https://p.test", "http://p.test:no", "/x"]
)
def test_proxies_of_another_kind(url: str) -> None:
    """Refused, and not passed by in silence."""
    with pytest.raises(TokenError) as caught:
        proxy_for(HOST, {"HTTPS_PROXY": url})
    assert (caught.value.final, caught.value.code) == (False, "proxy_unusable")
