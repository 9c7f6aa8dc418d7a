"""The gateway: who may use it, where its paths lead, and what the upstream gets to see."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Injection
from proxy_core.domain.service import Auth, AuthType, Gateway, Service
from tests.mitm.gateway import API_KEY, BEARER, answer, ask
from tests.mitm.rig import (
    AUTH,
    HOST,
    INJECTION,
    SECRET,
    SERVICE,
    TOKEN,
    Echo,
    client_tls,
    read_request,
    rig,
    upstream_tls,
)

ANTHROPIC = "api.anthropic.com"
PASSTHROUGH = Service(name="api", host=HOST, auth=Auth(AuthType.PASSTHROUGH))


def _to(host: str) -> bytes:
    return b"GET /x HTTP/1.1\r\nHost: %b\r\n\r\n" % host.encode()


@pytest.mark.parametrize("fields", [(BEARER,), (API_KEY,), (BEARER, API_KEY)])
async def test_the_token_is_replaced_by_the_credential(
    tmp_path: Path, fields: Sequence[bytes]
) -> None:
    """In either field, or in both: the upstream sees the credential once and the token nowhere."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.plain()
        await client.send(ask(b"/api/v1/a%2Fb?c=d", *fields, b"X-Vault: work\r\nX-A: 1\r\n"))
        status, _, body = await client.response()
        assert status == 200
        assert body.startswith(b"GET /v1/a%2Fb?c=d HTTP/1.1\r\nHost: api.test\r\n")
        assert body.count(SECRET) == 1
        assert TOKEN not in body
        assert b"x-api-key" not in body.lower()
        assert b"x-vault" not in body.lower()
        assert b"X-A: 1\r\n" in body
        (facts,) = proxy.broker.facts
        assert (facts.scheme, facts.host, facts.port) == ("https", HOST, 443)
        assert (facts.path, facts.query, facts.ingress) == ("/v1/a%2Fb", "c=d", "gateway")
        (record,) = await proxy.broker.wait_records(1)
        assert (record.ingress, record.host, record.path) == ("gateway", HOST, "/v1/a%2Fb")
        assert (record.status, record.decision, record.actor_name) == (200, "injected", "robot")
        assert proxy.broker.vaults == ["work"]


async def test_requests_follow_each_other_on_one_connection(tmp_path: Path) -> None:
    """Each with its own token; the upstream's connection is kept as for the proxy."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.plain()
        for number in range(3):
            await client.send(ask(b"/api/%d" % number, BEARER, method=b"POST", body=b"hello"))
            status, _, body = await client.response()
            assert status == 200
            assert body.startswith(b"POST /%d HTTP/1.1\r\n" % number)
        await client.send(ask(b"/api/3"))
        assert (await client.response())[0] == 401
        assert echo.connections == 1
        assert [body for _, body in echo.seen] == [b"hello"] * 3
        records = await proxy.broker.wait_records(4)
        assert [record.reused_upstream for record in records] == [False, True, True, False]


async def test_a_clients_own_key_is_not_sent_beside_the_credential(tmp_path: Path) -> None:
    """Whatever stands in the other field, and however it is spelled."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        await client.send(ask(b"/api/", BEARER, b"X_Api_Key: sk-of-its-own\r\n"))
        _, _, body = await client.response()
        assert b"sk-of-its-own" not in body
        proxy.broker.injection = Injection(headers=((b"x-api-key", b"real"),))
        await client.send(ask(b"/api/", API_KEY, b"Authorization: Basic bWU6b3du\r\n"))
        _, _, body = await client.response()
        assert b"bWU6b3du" not in body
        assert body.count(b"x-api-key: real\r\n") == 1


async def test_a_service_that_attaches_nothing_gets_the_clients_own_key(tmp_path: Path) -> None:
    """What is not the agent's token passes there; the token does not, in whatever form."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.service, proxy.broker.injection = PASSTHROUGH, Injection()
        client = await proxy.plain()
        await client.send(ask(b"/api/", API_KEY, b"Authorization: Bearer own\r\n"))
        _, _, body = await client.response()
        assert b"Authorization: Bearer own\r\n" in body
        assert TOKEN not in body
        user = b"vt_user_" + b"ab" * 32
        others = b"x-api-key: %b\r\nCookie: a=b; c=%b\r\nX-Goog-Api-Key: %b\r\n"
        await client.send(ask(b"/api/", BEARER, others % (user, TOKEN, TOKEN)))
        _, _, body = await client.response()
        assert b"vt_" not in body
        await client.send(ask(b"/api/?key=" + TOKEN, BEARER))
        assert (await client.response())[0] == 400


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ((BEARER, b"x-api-key: vt_agt_" + b"f" * 64 + b"\r\n"), "two different tokens"),
        ((BEARER, BEARER), "more than one authorization"),
        ((API_KEY, b"x_api_key: a\r\n"), "more than one x-api-key"),
        ((BEARER, b"X-Vault: a\r\n", b"X-Vault: b\r\n"), "more than one x-vault"),
    ],
)
async def test_two_claims_are_not_chosen_between(
    tmp_path: Path, fields: Sequence[bytes], words: str
) -> None:
    """Fields that say two things are refused."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        status, _, document = await answer(proxy, ask(b"/api/", *fields))
        assert status == 400
        assert words in str(document["detail"])
        assert not echo.seen


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (AUTH,),
        (b"Authorization: Bearer vt_agt_" + b"f" * 64 + b"\r\n",),
        (b"x-api-key: sk-ant-of-its-own\r\n",),
    ],
)
async def test_without_a_token_nothing_is_told(tmp_path: Path, fields: Sequence[bytes]) -> None:
    """401 in the shape of an API: a challenge, Anthropic's envelope, no names of gateways."""
    async with rig(tmp_path, Echo()) as proxy:
        for path in (b"/api/v1/messages", b"/nowhere/", b"/api?key=" + TOKEN):
            status, head, document = await answer(proxy, ask(path, *fields))
            assert status == 401
            assert b'WWW-Authenticate: Bearer realm="vault-tui"\r\n' in head
            assert b"X-Vault-Proxy-Error: unauthorized\r\n" in head
            assert b"x-should-retry: false\r\n" in head
            assert b"request-id: req_" in head
            assert document["type"] == "error"
            error = document["error"]
            assert isinstance(error, dict)
            assert error["type"] == "authentication_error"
            assert "gateways" not in document
        records = await proxy.broker.wait_records(3)
        assert {record.error_code for record in records} == {"unauthorized"}
        assert records[0].host == "127.0.0.1"
        assert not any(TOKEN.decode() in record.path for record in records)


async def test_an_unknown_prefix_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    """404, in the envelope, and the record says who asked."""
    async with rig(tmp_path, Echo()) as proxy:
        status, _, document = await answer(proxy, ask(b"/nowhere/x", BEARER))
        assert (status, document["code"]) == (404, "gateway_not_found")
        assert document["gateways"] == ["api"]
        (record,) = await proxy.broker.wait_records(1)
        assert (record.actor_name, record.path, record.status) == ("robot", "/nowhere/x", 404)


@pytest.mark.parametrize(
    "path",
    [
        b"/api/../x",
        b"/api/%2e%2e/x",
        b"/api/a/..%2fx",
        b"/api/%252e%252e%252fx",
        b"/../api/x",
        b"/api\\x",
        b"/api/a%",
        b"/api/%00",
        b"/api/..;/x",
    ],
)
async def test_a_path_with_two_meanings_goes_nowhere(tmp_path: Path, path: bytes) -> None:
    """As for the proxy: nobody gets out of the upstream's base path."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        proxy.broker.gateways["api"] = Gateway("api", "https", HOST, 443, "/base")
        status, _, document = await answer(proxy, ask(path, BEARER))
        assert (status, document["code"]) == (400, "bad_request")
        assert not echo.seen


async def test_the_upstreams_base_path_comes_first(tmp_path: Path) -> None:
    """Also where nothing stands behind the prefix; another port stands in Host."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.gateways["api"] = Gateway("api", "https", HOST, 8443, "/base")
        client = await proxy.plain()
        for path, expected in (
            (b"/api", b"/base"),
            (b"/api?a", b"/base?a"),
            (b"/api//b", b"/base//b"),
        ):
            await client.send(ask(path, BEARER))
            _, _, body = await client.response()
            assert body.startswith(b"GET %b HTTP/1.1\r\nHost: api.test:8443\r\n" % expected)


async def test_policy_says_no_in_the_envelope(tmp_path: Path) -> None:
    """A refusal at the gateway is what Anthropic's clients can show."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.refusal = VaultError("path_not_allowed", "rule 1 denies it")
        status, head, document = await answer(proxy, ask(b"/api/x", BEARER))
        assert status == 403
        assert document["error"] == {"type": "permission_error", "message": "rule 1 denies it"}
        assert b"x-should-retry: false\r\n" in head


async def test_a_token_that_was_revoked_since_is_401(tmp_path: Path) -> None:
    """What the proxy's own clients get as 407 is a 401 here, and says how to get another one."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.refusal = VaultError("proxy_auth_required", "it was revoked.")
        status, _, document = await answer(proxy, ask(b"/api/x", BEARER))
        assert (status, document["code"]) == (401, "unauthorized")
        assert str(document["detail"]).startswith("it was revoked. Sign in anew (")


@pytest.mark.parametrize(
    ("host", "service", "final"),
    [
        (ANTHROPIC, SERVICE, True),
        (ANTHROPIC, PASSTHROUGH, False),
        (HOST, SERVICE, False),
    ],
)
@pytest.mark.parametrize("at_gateway", [True, False])
async def test_anthropic_refuses_the_vaults_credential(
    tmp_path: Path, host: str, service: Service, final: bool, at_gateway: bool
) -> None:
    """Its client is told that a new token of its own won't help, the long and the short way."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for status in (b"401 No", b"403 No", b"500 No"):
            await read_request(reader)
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nno" % status)

    async with rig(tmp_path, handler, tls=upstream_tls(host)) as proxy:
        broker = proxy.broker
        broker.gateways = {"api": Gateway("api", "https", host, 443)}
        broker.service = service
        broker.injection = INJECTION if final or host == HOST else Injection()
        if at_gateway:
            client, question = await proxy.plain(), ask(b"/api/x", BEARER)
        else:
            client, question = await proxy.tunnel(host), _to(host)
            await client.writer.start_tls(client_tls(), server_hostname=host)
        for status in (401, 403, 500):
            await client.send(question)
            answered, head, body = await client.response()
            assert (answered, body) == (status, b"no")
            told = final and status != 500
            assert (b"x-should-retry: false\r\n" in head) is told
            assert (b"Retry-After: 300\r\n" in head) is (told and at_gateway)


@pytest.mark.parametrize(
    "field",
    [
        b"Origin: https://evil.example\r\n",
        b"Origin: null\r\n",
        b"Sec-Fetch-Site: cross-site\r\n",
        b"Sec-Fetch-Site: same-origin\r\n",
    ],
)
async def test_web_pages_are_refused(tmp_path: Path, field: bytes) -> None:
    """Before any token is looked at, and with no leave to read the answer."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        for method in (b"GET", b"OPTIONS"):
            status, head, document = await answer(
                proxy, ask(b"/api/x", BEARER, field, method=method)
            )
            assert (status, document["code"]) == (403, "origin_refused")
            assert b"access-control" not in head.lower()
        assert not echo.seen
        assert not proxy.broker.addresses


async def test_smuggled_requests_are_refused(tmp_path: Path) -> None:
    """Two framings, a bare LF, a space before the colon: the connection ends."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        for bad in (
            b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 1\r\nContent-Length: 1\r\n",
            b"X-A: 1\nX-B: 2\r\n",
            b"X-A : 1\r\n",
        ):
            client = await proxy.plain()
            await client.send(ask(b"/api/x", BEARER, bad))
            assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert not echo.seen


async def test_anthropics_tunnels_get_its_envelope(tmp_path: Path) -> None:
    """A refusal inside a tunnel to api.anthropic.com has the envelope and a request id."""
    async with rig(tmp_path, Echo(), tls=upstream_tls("api.anthropic.com")) as proxy:
        proxy.broker.refusal = VaultError("forbidden", "no service")
        client = await proxy.tunnel("api.anthropic.com")
        await client.writer.start_tls(client_tls(), server_hostname="api.anthropic.com")
        await client.send(_to("api.anthropic.com"))
        status, head, body = await client.response()
        assert status == 403
        assert json.loads(body)["error"] == {"type": "permission_error", "message": "no service"}
        assert b"request-id: req_" in head


def test_the_fakes_service_attaches_a_credential() -> None:
    """What the tests above rest on."""
    assert SERVICE.auth.type is AuthType.BEARER
    assert INJECTION.headers
