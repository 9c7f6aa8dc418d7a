"""Logins on the data path: shown to the broker whole, answered by it, or passed on untouched."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.domain.oauth.capture import Captured, LoginAnswer
from tests.mitm.rig import SECRET, SERVICE, Client, Echo, Rig, request, rig

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
BODY = b"grant_type=authorization_code&code=c0de"
ANSWER = LoginAnswer(200, {"access_token": "__stand-in__", "expires_in": 60})


def capture(proxy: Rig, answer: LoginAnswer | None = ANSWER) -> None:
    """The service covers `/oauth/token` alone, and captures."""
    proxy.broker.service = replace(SERVICE, path="/oauth/token", capture=True)
    proxy.broker.login_answer = answer


async def post(client: Client, path: bytes = b"/oauth/token", body: bytes = BODY) -> None:
    """A login as clients send it."""
    size = b"Content-Length: %d\r\n" % len(body)
    await client.send(request(path, b"POST", FORM + size) + body)


async def test_a_login_is_answered_and_goes_nowhere(tmp_path: Path) -> None:
    """The broker sees it whole; nothing is injected; the connection carries the next request."""
    upstream = Echo()
    async with rig(tmp_path, upstream) as proxy:
        capture(proxy)
        client = await proxy.secure()
        for _ in range(2):
            await post(client)
            status, head, body = await client.response()
            assert (status, json.loads(body)) == (200, ANSWER.document)
            assert b"Cache-Control: no-store" in head
        await client.send(request(b"/oauth/token"))
        assert (await client.response())[0] == 200
        seen = proxy.broker.logins
        assert [one.body for one in seen] == [BODY, BODY]
        assert {(one.kind, one.url) for one in seen} == {
            (Captured.TOKEN, "https://api.test/oauth/token")
        }
        assert seen[0].content_type == "application/x-www-form-urlencoded"
        assert [head.split()[0] for head, _ in upstream.seen] == [b"GET"]
        first, _, last = await proxy.broker.wait_records(3)
        assert (first.decision, first.status, first.credential_keys) == ("captured", 200, ())
        assert first.injected_headers == ()
        assert first.bytes_up == len(BODY)
        assert last.decision == "injected"


async def test_a_login_in_pieces_that_waits_for_permission(tmp_path: Path) -> None:
    """It is told to go on, and read to its end."""
    async with rig(tmp_path, Echo()) as proxy:
        capture(proxy)
        client = await proxy.secure()
        fields = FORM + b"Content-Length: %d\r\nExpect: 100-continue\r\n" % len(BODY)
        await client.send(request(b"/oauth/token", b"POST", fields))
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        for at in range(len(BODY)):
            await client.send(BODY[at : at + 1])
        assert (await client.response())[0] == 200
        assert proxy.broker.logins[0].body == BODY


async def test_what_the_broker_does_not_answer_goes_on_untouched(tmp_path: Path) -> None:
    """With its body and the service's credential."""
    upstream = Echo()
    async with rig(tmp_path, upstream) as proxy:
        capture(proxy, None)
        client = await proxy.secure()
        await post(client, b"/oauth/revoke", b"token=real")
        assert (await client.response())[0] == 200
        assert proxy.broker.logins[0].kind is Captured.REVOCATION
        ((head, body),) = upstream.seen
        assert body == b"token=real"
        assert SECRET in head


async def test_what_is_no_login_is_not_looked_at(tmp_path: Path) -> None:
    """Another method or path, and any service that does not capture."""
    async with rig(tmp_path, Echo()) as proxy:
        capture(proxy)
        client = await proxy.secure()
        await post(client, b"/other")
        await client.response()
        await client.send(request(b"/oauth/token"))
        await client.response()
        proxy.broker.service = SERVICE
        await post(client)
        await client.response()
        assert proxy.broker.logins == []


async def test_other_spellings_of_the_path_are_captured_too(tmp_path: Path) -> None:
    """As an upstream may read them."""
    async with rig(tmp_path, Echo()) as proxy:
        capture(proxy)
        client = await proxy.secure()
        for path in (b"//oauth/token", b"/oauth/%74oken", b"/oauth%2Ftoken"):
            await post(client, path)
            assert json.loads((await client.response())[2]) == ANSWER.document


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Transfer-Encoding: chunked\r\n", 400),
        (b"Content-Encoding: gzip\r\nContent-Length: 3\r\n", 400),
        (b"Content-Length: 70000\r\n", 413),
    ],
)
async def test_bodies_that_are_refused(tmp_path: Path, fields: bytes, status: int) -> None:
    """Rather than passed on unread."""
    upstream = Echo()
    async with rig(tmp_path, upstream) as proxy:
        capture(proxy)
        client = await proxy.secure()
        await client.send(request(b"/oauth/token", b"POST", FORM + fields))
        assert (await client.head()).startswith(b"HTTP/1.1 %d " % status)
        assert proxy.broker.logins == []
        assert upstream.seen == []


async def test_a_client_that_leaves_before_its_login_is_there(tmp_path: Path) -> None:
    """Nobody is asked."""
    async with rig(tmp_path, Echo()) as proxy:
        capture(proxy)
        client = await proxy.secure()
        await client.send(request(b"/oauth/token", b"POST", FORM + b"Content-Length: 9\r\n") + b"x")
        client.abort()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert proxy.broker.logins == []
