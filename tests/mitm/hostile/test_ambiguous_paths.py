"""Paths that some server would obey in another spelling than the one that was matched."""

from itertools import product
from pathlib import Path

from tests.mitm.rig import Echo, request, rig

DOTS = (
    "..", ".", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%2e", "%252e%252e", "%25252e.", "..%3bx",
    "..;x=y",
)  # fmt: skip
SLASHES = ("/", "%2f", "%2F", "%5c", "%5C", "%252f", "%255C", "%25252f")
OTHERS = (
    "/a\\b", "/a\\..\\b", "\\a", "/%", "/%2", "/%zz", "/%2g", "/a%", "/%u002e%u002e/", "/a%00b",
    "/%00", "/a%2500b", "/a%252500", "/..%00/b", "/a#b", "/a/%c0%ae%c0%ae%00",
)  # fmt: skip


def ambiguous() -> list[str]:
    """Dot segments first, last and between, with each way to write the slashes; and the rest."""
    found = [f"/a{one}{dots}{two}b" for one, dots, two in product(SLASHES, DOTS, SLASHES)]
    found += [f"/{dots}{slash}a" for dots, slash in product(DOTS, SLASHES)]
    found += [f"/a{slash}{dots}" for dots, slash in product(DOTS, SLASHES)]
    found += [f"/{dots}" for dots in DOTS]
    found += [f"/a/{dots}?q=/x" for dots in DOTS]
    return [*found, *OTHERS]


async def test_no_ambiguous_path_is_forwarded(tmp_path: Path) -> None:
    """Over eight hundred of them: 400, and no decision is even asked for."""
    echo, paths = Echo(), ambiguous()
    assert len(paths) > 800
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        for path in paths:
            await client.send(request(path.encode()))
            status, head, _ = await client.response()
            assert (status, b"X-Vault-Proxy-Error: bad_request" in head) == (400, True), path
            if b"\r\nConnection: close\r\n" in head:
                client = await proxy.secure()
        assert (echo.seen, proxy.broker.facts) == ([], [])
        for path in ("/a..b", "/...", "/a/.b", "/a.", "/a%2Fb", "/%7Ea", "/a;x=..y", "/?../%2e%2e"):
            await client.send(request(path.encode()))
            status, _, body = await client.response()
            assert (status, body.startswith(b"GET %b HTTP/1.1\r\n" % path.encode())) == (200, True)
