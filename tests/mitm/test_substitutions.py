"""Placeholders on the way upstream: path, query and header fields, and nothing else."""

from pathlib import Path

from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from tests.mitm.rig import Echo, request, rig


async def test_placeholders_are_replaced_upstream_only(tmp_path: Path) -> None:
    """The upstream sees the value where it was declared; the record and the decision never do."""
    everywhere = frozenset({Surface.PATH, Surface.QUERY, Surface.HEADER})
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        item = SecretSubstitution(b"__key__", b"v4lue", everywhere)
        proxy.broker.injection = Injection(substitutions=(item,))
        client = await proxy.secure()
        body = b"Content-Length: 7\r\n"
        extra = b"X-Key: a__key__b\r\n" + body
        await client.send(request(b"/p/__key__/x?q=__key__", b"POST", extra) + b"__key__")
        assert (await client.response())[0] == 200
        head, sent = echo.seen[0]
        assert head.startswith(b"POST /p/v4lue/x?q=v4lue HTTP/1.1\r\n")
        assert b"X-Key: av4lueb\r\n" in head
        assert sent == b"__key__"
        (record,) = await proxy.broker.wait_records(1)
        assert record.path == "/p/__key__/x"
        assert record.decision == "injected"
        assert proxy.broker.facts[0].query == "q=__key__"


async def test_a_value_is_not_searched_for_placeholders(tmp_path: Path) -> None:
    """A secret that looks like another's placeholder stays itself, in header fields too."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        header = frozenset({Surface.HEADER, Surface.QUERY})
        items = (
            SecretSubstitution(b"__one__", b"__two__", header),
            SecretSubstitution(b"__two__", b"other", header),
        )
        proxy.broker.injection = Injection(substitutions=items)
        client = await proxy.secure()
        await client.send(request(b"/?a=__one__", extra=b"X-Key: __one__\r\n"))
        assert (await client.response())[0] == 200
        assert b"X-Key: __two__\r\n" in echo.seen[0][0]
        assert echo.seen[0][0].startswith(b"GET /?a=__two__ ")


async def test_values_that_can_not_stand_there(tmp_path: Path) -> None:
    """A value that would add a line is answered 502 substitution_invalid; nothing is sent."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        item = SecretSubstitution(b"__key__", b"a\r\nX: y", frozenset({Surface.HEADER}))
        proxy.broker.injection = Injection(substitutions=(item,))
        client = await proxy.secure()
        await client.send(request(extra=b"X-Key: __key__\r\n"))
        status, head, _ = await client.response()
        assert (status, b"substitution_invalid" in head) == (502, True)
        assert not echo.seen
