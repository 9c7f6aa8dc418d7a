"""Requests to the issuer: verified, bounded, tried twice at most."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy_core.domain.oauth.failures import TokenError
from proxy_core.tokens.https import MAX_REPLY, Https, Reply
from tests.oauth.servers import Received, Script, Tls, listening, reply

PLAIN = Https(allow_http_loopback=True)


async def sent(answer: object, http: Https = PLAIN, context: ssl.SSLContext | None = None) -> Reply:
    """What a server's answer becomes."""
    scheme = "https" if context else "http"
    async with listening(answer, context) as port:  # type: ignore[arg-type] # a Script is one
        url = f"{scheme}://127.0.0.1:{port}/token?a=1"
        return await asyncio.to_thread(http.post, url, {"Accept": "application/json"}, b"a=1")


async def refused(answer: object, http: Https = PLAIN) -> str:
    """The code of the failure, which is never final."""
    with pytest.raises(TokenError) as caught:
        await sent(answer, http)
    assert not caught.value.final
    return caught.value.code


async def test_a_request_and_its_answer() -> None:
    """Target, headers and body arrive; names of the answer's fields are in lower case."""
    script = Script(reply('{"a":1}', 400, X_Any="v"))
    answer = await sent(script)
    assert (answer.status, answer.body, answer.headers["x-any"]) == (400, b'{"a":1}', "v")
    (received,) = script.received
    assert (received.method, received.target, received.body) == ("POST", "/token?a=1", b"a=1")
    assert "a=1" not in repr(answer)


async def test_a_broken_connection_gets_one_more_try() -> None:
    """Only one, and only if there has been no answer."""
    script = Script(None, reply())
    assert (await sent(script)).status == 200
    assert await refused(Script(None, None)) == "unreachable"
    script = Script(reply("x" * 99)[:-9], reply())
    assert await refused(script) == "unreachable"
    assert len(script.received) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(status=302, Location="https://elsewhere.test/"), "redirect_refused"),
        (reply("x" * (MAX_REPLY + 1)), "reply_too_large"),
        (b"no http at all\r\n\r\n", "unreachable"),
    ],
)
async def test_answers_that_are_not_used(answer: bytes, code: str) -> None:
    """No redirect is followed, no more than 1 MiB read."""
    assert await refused(Script(answer, answer)) == code


async def test_an_issuer_that_never_ends() -> None:
    """It is left after the time limit, however slowly it drips."""

    async def silent(_: Received) -> bytes | None:
        await asyncio.Event().wait()
        return None

    http = Https(allow_http_loopback=True, total_seconds=0.1)
    assert await refused(silent, http) == "timeout"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://issuer.test/", "https://u@issuer.test/", "file:///x"]
)
def test_urls_that_are_not_asked(url: str) -> None:
    """Nothing but https, unless it is this machine and that was said."""
    with pytest.raises(TokenError) as caught:
        Https().get(url, {})
    assert caught.value.code == "http_refused"


async def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown issuer's is refused; one that the system trusts will do."""
    tls = Tls("127.0.0.1")
    with pytest.raises(TokenError) as caught:
        await sent(Script(reply()), Https(), tls.server)
    assert caught.value.code == "tls"
    (tmp_path / "ca.pem").write_bytes(tls._authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert (await sent(Script(reply()), Https(), tls.server)).status == 200


def test_nobody_is_there(unused_tcp_port_factory: Callable[[], int]) -> None:
    """Said at once, not final."""
    with pytest.raises(TokenError) as caught:
        PLAIN.get(f"http://127.0.0.1:{unused_tcp_port_factory()}/", {})
    assert (caught.value.final, caught.value.code) == (False, "unreachable")
