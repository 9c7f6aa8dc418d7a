"""Small requests on kept connections: the short way, where it ends, and what it must not skip."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from tests.mitm.rig import HOST, Client, Echo, Rig, absolute, read_request, request, rig

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def ask(client: Client, data: bytes) -> tuple[int, bytes, bytes]:
    """One request and its response."""
    await client.send(data)
    return await client.response()


async def warm(proxy: Rig, data: bytes) -> Client:
    """A client whose request has been served twice: all is kept that can be."""
    client = await proxy.secure()
    for _ in range(2):
        assert (await ask(client, data))[0] == 200
    return client


async def test_the_same_request_again_and_again(tmp_path: Path) -> None:
    """Each arrives with the credential, is answered, told and recorded by itself."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, request(b"/a?q"))
        await ask(client, request(b"/a?q"))
        await ask(client, request(b"/b"))
        await ask(client, request(b"/a?q"))
        records = await proxy.broker.wait_records(5)
        assert echo.connections == 1
    assert len({head for head, _ in echo.seen}) == 2
    assert all(head.count(b"Authorization: Bearer s3cr3t\r\n") == 1 for head, _ in echo.seen)
    assert [record.path for record in records] == ["/a", "/a", "/a", "/b", "/a"]
    assert len({record.request_id for record in records}) == 5
    assert [start.request_id for start in proxy.broker.starts] == [
        record.request_id for record in records
    ]
    third, fifth = records[2], records[4]
    for record in third, fifth:
        assert (record.status, record.decision, record.host) == (200, "injected", HOST)
        assert record.injected_headers == ("Authorization",)
        assert record.bytes_down == len(echo.seen[0][0])
        assert 0 <= record.first_byte_ms <= record.latency_ms
        assert record.reused_upstream
    assert fifth.started_at > third.started_at


async def test_each_request_is_decided_afresh(tmp_path: Path) -> None:
    """A token that was revoked since the last, identical request is refused."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, request())
        proxy.broker.refusal = VaultError("proxy_auth_required", "it was revoked")
        assert (await ask(client, request()))[0] == 407
        proxy.broker.refusal = None
        proxy.broker.refused_admission = VaultError("rate_limited", "too fast", retry_after=1)
        assert (await ask(client, request()))[0] == 429
        proxy.broker.refused_admission = None
        assert (await ask(client, request()))[0] == 200
        records = await proxy.broker.wait_records(5)
        assert proxy.broker.admitted == 0
    assert len(echo.seen) == 3
    assert [record.status for record in records] == [200, 200, 407, 429, 200]


async def test_each_request_is_injected_afresh(tmp_path: Path) -> None:
    """Another value, another field or none at all: what is in force counts."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, request())
        for headers in (
            ((b"Authorization", b"Bearer rotated"),),
            ((b"X-Api-Key", b"k"), (b"X-Other", b"o")),
            (),
        ):
            proxy.broker.injection = Injection(headers)
            assert (await ask(client, request()))[0] == 200
        records = await proxy.broker.wait_records(5)
    rotated, other, none = (head for head, _ in echo.seen[2:])
    assert b"Authorization: Bearer rotated\r\n" in rotated
    assert b"s3cr3t" not in rotated + other + none
    assert b"X-Api-Key: k\r\nX-Other: o\r\n" in other
    assert none == request()
    assert [record.injected_headers for record in records[2:]] == [
        ("Authorization",),
        ("X-Api-Key", "X-Other"),
        (),
    ]
    assert records[4].decision == "passthrough"


async def test_fields_of_the_client_that_do_not_go_on(tmp_path: Path) -> None:
    """However they are spelled, on the short way and on the long one."""
    echo = Echo()
    extra = b"AUTHORIZATION: Bearer dummy\r\nx_api_key: dummy\r\nX-Kept: 1\r\n"
    dropped = frozenset((b"authorization", b"x-api-key", b"api-key"))
    async with rig(tmp_path, echo) as proxy:
        proxy.broker.injection = Injection(((b"api-key", b"real"),), dropped=dropped)
        client = await warm(proxy, request(extra=extra))
        assert (await ask(client, request(extra=extra)))[0] == 200
        chunks = extra + b"Transfer-Encoding: chunked\r\n"
        assert (await ask(client, request(b"/", b"POST", chunks) + b"0\r\n\r\n"))[0] == 200
    for head, _ in echo.seen:
        assert b"dummy" not in head
        assert b"X-Kept: 1\r\n" in head
        assert head.count(b"api-key: real\r\n") == 1


async def test_a_value_that_would_end_its_field(tmp_path: Path) -> None:
    """It is refused on the short way, too, and the kept connection stays unused and good."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, request())
        proxy.broker.injection = Injection(((b"Authorization", b"a\r\nX: y"),))
        _, head, body = await ask(client, request())
        assert b"X-Vault-Proxy-Error: substitution_invalid" in head
        assert b"X: y" not in body
        assert proxy.proxy.idle_upstreams == 1
        assert len(echo.seen) == 2


async def test_a_body_that_comes_with_its_head(tmp_path: Path) -> None:
    """It goes on with it, whatever its bytes, and what follows is the next request."""
    echo = Echo()
    post = request(b"/p", b"POST", b"Content-Length: 9\r\n") + b"GET / HTT"
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, post)
        await client.send(post + request(b"/next") + post)
        for _ in range(3):
            assert (await client.response())[0] == 200
        records = await proxy.broker.wait_records(5)
    assert [body for _, body in echo.seen] == [b"GET / HTT"] * 3 + [b"", b"GET / HTT"]
    assert [record.bytes_up for record in records] == [9, 9, 9, 0, 9]


async def test_a_body_that_comes_later(tmp_path: Path) -> None:
    """A head without its body goes the long way, before and after one that had it."""
    echo = Echo()
    head = request(b"/p", b"POST", b"Content-Length: 4\r\n")
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, head + b"body")
        await client.send(head)
        await client.send(b"BO")
        await client.send(b"DY" + head + b"last")
        for _ in range(2):
            assert (await client.response())[0] == 200
    assert [body for _, body in echo.seen] == [b"body", b"body", b"BODY", b"last"]


@pytest.mark.parametrize(
    ("answer", "wire"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (OK.replace(b"1.1", b"1.0"), OK),
    ],
    ids=["interim", "chunked", "no content", "old version"],
)
async def test_responses_of_another_kind(tmp_path: Path, answer: bytes, wire: bytes) -> None:
    """The long way takes over after the request was sent, once, and ends as it always does."""
    seen = 0

    async def upstream(reader: Reader, writer: Writer) -> None:
        nonlocal seen
        while True:
            await read_request(reader)
            seen += 1
            writer.write(OK if seen <= 2 else answer)

    async with rig(tmp_path, upstream) as proxy:
        client = await warm(proxy, request())
        await client.send(request())
        assert await client.exactly(len(wire)) == wire
        record = (await proxy.broker.wait_records(3))[2]
    assert seen == 3
    assert record.first_byte_ms >= 0
    assert record.error_code == ""


@pytest.mark.parametrize("size", [20, len(OK) - 1], ids=["head", "body"])
async def test_a_response_that_is_torn(tmp_path: Path, size: int) -> None:
    """What has begun is never sent again: the client is told, or its connection breaks."""
    seen = 0

    async def upstream(reader: Reader, writer: Writer) -> None:
        nonlocal seen
        for _ in range(3):
            await read_request(reader)
            seen += 1
            writer.write(OK if seen <= 2 else OK[:size])

    async with rig(tmp_path, upstream) as proxy:
        client = await warm(proxy, request())
        await client.send(request())
        head = await client.head()
        if size == 20:
            assert b"X-Vault-Proxy-Error: upstream_protocol" in head
        else:
            assert head == OK[:-2]
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.exactly(2)
        record = (await proxy.broker.wait_records(3))[2]
    assert seen == 3
    assert (record.error_code, record.retries) == ("upstream_protocol", 0)


async def test_a_response_in_pieces(tmp_path: Path) -> None:
    """A head, then the body: the client gets both, and the connection is used again."""
    gate = asyncio.Event()

    async def upstream(reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            writer.write(OK[:-2])
            await gate.wait()
            writer.write(b"ok")

    async with rig(tmp_path, upstream) as proxy:
        gate.set()
        client = await warm(proxy, request())
        gate.clear()
        await client.send(request())
        assert await client.head() == OK[:-2]
        gate.set()
        assert await client.exactly(2) == b"ok"
        assert (await ask(client, request()))[2] == b"ok"
        assert (await proxy.broker.wait_records(4))[3].reused_upstream


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_a_kept_connection_that_ends_instead_of_answering(
    tmp_path: Path, method: bytes
) -> None:
    """An idempotent request is sent again on a new connection; another one that arrived is not."""
    served: list[bytes] = []

    async def upstream(reader: Reader, writer: Writer) -> None:
        for _ in range(2):
            await read_request(reader)
            writer.write(OK)
        served.append((await read_request(reader))[0][:4])

    async with rig(tmp_path, upstream) as proxy:
        client = await warm(proxy, request())
        status, head, _ = await ask(client, request(b"/", method, b"Content-Length: 0\r\n"))
        record = (await proxy.broker.wait_records(3))[2]
    assert served[0] == method[:4].ljust(4)
    if method == b"GET":
        assert (status, record.retries, record.reused_upstream) == (200, 1, False)
    else:
        assert b"X-Vault-Proxy-Error: upstream_unreachable" in head
        assert record.retries == 0


async def test_a_client_that_leaves(tmp_path: Path) -> None:
    """The upstream's connection is broken off at once, and the record says why."""
    asked, broken = asyncio.Event(), asyncio.Event()
    count = 0

    async def upstream(reader: Reader, writer: Writer) -> None:
        nonlocal count
        while True:
            await read_request(reader)
            count += 1
            if count > 2:
                break
            writer.write(OK)
        asked.set()
        try:
            await reader.read(1)
        finally:
            broken.set()

    async with rig(tmp_path, upstream) as proxy:
        client = await warm(proxy, request())
        await client.send(request())
        await asked.wait()
        client.abort()
        async with asyncio.timeout(30):
            await broken.wait()
        record = (await proxy.broker.wait_records(3))[2]
        assert proxy.proxy.idle_upstreams == 0
    assert (record.status, record.reason) == (0, "client left")


async def test_a_revocation_while_the_upstream_thinks(tmp_path: Path) -> None:
    """The connection ends, and its request is recorded with the reason."""
    asked = asyncio.Event()
    count = 0

    async def upstream(reader: Reader, writer: Writer) -> None:
        nonlocal count
        while True:
            await read_request(reader)
            count += 1
            if count > 2:
                asked.set()
                await reader.read(1)
                return
            writer.write(OK)

    async with rig(tmp_path, upstream) as proxy:
        client = await warm(proxy, request())
        await client.send(request())
        await asked.wait()
        proxy.proxy.close_for_token(b"t" * 32)
        record = (await proxy.broker.wait_records(3))[2]
        assert proxy.broker.admitted == 0
    assert record.error_code == "proxy_auth_required"


async def test_a_configuration_that_changes(tmp_path: Path) -> None:
    """A limit on heads counts for one that was seen before as well."""
    async with rig(tmp_path, Echo()) as proxy:
        data = request(extra=b"A: 1\r\nB: 2\r\n")
        client = await warm(proxy, data)
        proxy.configure(head_fields_limit=2)
        await ask(client, data)  # was waited for with the limits before
        await client.send(data)
        assert b" 431 " in await client.head()


async def test_heads_of_every_size_may_be_repeated(tmp_path: Path) -> None:
    """Also those that are too large to be remembered, before and after others."""
    echo = Echo()
    heads = [request(extra=b"A: %b\r\n" % (b"x" * size)) for size in (10, 9_000, 20_000, 10)]
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        for head in heads:
            for _ in range(3):
                assert (await ask(client, head))[0] == 200
    assert [len(head) for head, _ in echo.seen] == [
        len(head) + len(b"Authorization: Bearer s3cr3t\r\n") for head in heads for _ in range(3)
    ]


async def test_what_is_said_to_the_proxy_itself_is_not_kept(tmp_path: Path) -> None:
    """Each request outside of a tunnel is authenticated, however alike they are."""
    async with rig(tmp_path, Echo(), tls=None) as proxy:
        client = await proxy.plain()
        for _ in range(3):
            assert (await ask(client, absolute()))[0] == 200
        assert len(proxy.broker.addresses) == 3


def _standing_for(value: bytes) -> Injection:
    """`__k__` is to be replaced wherever it may stand in a request."""
    surfaces = frozenset((Surface.PATH, Surface.QUERY, Surface.HEADER, Surface.BODY))
    return Injection(substitutions=(SecretSubstitution(b"__k__", value, surfaces),))


PARTS = st.lists(st.sampled_from([b"__k__", b"__k_", b"a", b"/", b"=", b"&", b"_"]), max_size=5)
TYPES = st.sampled_from(
    [
        b"",
        b"Content-Type: application/json\r\n",
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-MD5: x\r\n",
        b"Content-Type: text/plain\r\nDigest: x\r\n",
        b"Content-Type: image/png\r\n",
        b"Content-Encoding: gzip\r\n",
    ]
)
VALUES = st.sampled_from(
    [b"v4lue", b'a"b&c', b"a b", b"\xc3\xa9", b"\xff", b"a\r\nb", b"..", b"x" * 99]
)


@given(
    posts=st.lists(st.tuples(PARTS, PARTS, PARTS, PARTS, TYPES, VALUES), min_size=1, max_size=12)
)
@settings(max_examples=20, deadline=None)
def test_placeholders_are_replaced_as_on_the_long_way(
    tmp_path_factory: pytest.TempPathFactory, posts: list[tuple[Any, ...]]
) -> None:
    """The same bytes arrive, and the same answer comes back, where no connection was kept."""

    async def run(echo: Echo, **config: object) -> list[tuple[Any, ...]]:
        answers: list[tuple[Any, ...]] = []
        async with rig(tmp_path_factory.mktemp("rig"), echo) as proxy:
            proxy.configure(**config)
            client = await warm(proxy, request())
            for path, query, field, parts, kind, value in posts:
                proxy.broker.injection = _standing_for(value)
                body = b"{" + b"".join(parts) + b"}"
                target = b"/" + b"".join(path) + b"?" + b"".join(query)
                extra = b"X-A: %b\r\n%bContent-Length: %d\r\n" % (b"".join(field), kind, len(body))
                answers.append(await ask(client, request(target, b"POST", extra) + body))
                if b"connection: close" in answers[-1][1].lower():
                    client = await proxy.secure()
            answers += [
                (r.status, r.error_code, r.bytes_up)
                for r in await proxy.broker.wait_records(2 + len(posts))
            ]
        return answers

    short, long = Echo(), Echo()
    assert asyncio.run(run(short)) == asyncio.run(run(long, pool_total=0))
    assert short.seen == long.seen
    assert short.connections <= long.connections


async def test_a_small_body_that_grows_large(tmp_path: Path) -> None:
    """What is not small any more with its placeholders replaced takes the long way, whole."""
    echo = Echo()
    value = b"x" * 9_000
    body = b"__k__ " * 10
    post = request(b"/p", b"POST", b"Content-Length: %d\r\n" % len(body)) + body
    async with rig(tmp_path, echo) as proxy:
        client = await warm(proxy, request())
        proxy.broker.injection = _standing_for(value)
        for _ in range(2):
            assert (await ask(client, post))[0] == 200
        records = await proxy.broker.wait_records(4)
        assert proxy.memory_used == 0
    assert [sent for _, sent in echo.seen[2:]] == [(value + b" ") * 10] * 2
    assert [record.bytes_up for record in records[2:]] == [len(body)] * 2
    assert echo.connections == 1
