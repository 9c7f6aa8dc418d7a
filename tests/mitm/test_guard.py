"""The guard: what is resolved, refused, let through, and asked how often."""

import asyncio
import socket

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.mitm import guard as guard_module
from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.mitm.guard import Endpoint, Guard, literal_address


class Dns:
    """A resolver with fixed answers that counts its questions."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        await asyncio.sleep(0)
        return list(self.addresses)


async def code_of(guard: Guard, host: str, port: int = 443) -> str:
    """The code of the refusal."""
    with pytest.raises(VaultError) as caught:
        await guard.resolve(host, port)
    return caught.value.code


LOOPBACK = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.0.0.1.1", "0", "0.0.0.0", "127.000.000.001",
    "0177.0.0.1", "0177.1", "00000177.0.0.1", "0x7f.0.0.1", "0x7f.1", "0x7f000001", "0X7F000001",
    "2130706433", "017700000001", "4294967297", "0x100000001", "127.0.0.0x1", "127.0.0.01",
    "::1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%lo]", "[::ffff:127.0.0.1", "::ffff:127.1", "[::1]x",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.169.254.", "169.254.43518", "169.16689662", "2852039166",
    "0xa9fea9fe", "0xA9FEA9FE", "025177524776", "0251.0376.0251.0376", "0251.254.169.254",
    "0xa9.0xfe.0xa9.0xfe", "0xa9.254.169.254", "169.254.0xa9fe", "425.510.425.510",
    "7147006462", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]",
    "[64:ff9b:1:a9fe:a9:fe00::]", "[2002:a9fe:a9fe::]", "[2001:0:a9fe:a9fe::]",
    "[2001:0:4136:e378:8000:63bf:5601:5601]", "[fd00:ec2::254]", "[FD00:EC2::254]", "fd00:ec2::254",
    "[fd00:0ec2:0000:0000:0000:0000:0000:0254]", "[fd20:ce::254]", "[fd20:00ce::0254]",
    "100.100.100.200", "0x646464c8", "1684301000", "0144.0144.0144.0310", "100.100.25800",
    "[::ffff:100.100.100.200]", "[::ffff:6464:64c8]", "[64:ff9b::6464:64c8]", "[2002:6464:64c8::]",
    "168.63.129.16", "0xa83f8110", "2822734096", "0250.077.0201.020", "168.63.33040",
    "[::ffff:168.63.129.16]", "[::ffff:a83f:8110]", "[64:ff9b::a83f:8110]", "[2002:a83f:8110::]",
]  # fmt: skip
ODD_NAMES = [
    "①②⑦.0.0.1", "\uff11\uff12\uff17.0.0.1", "127。0。0。1", "127\uff0e0\uff0e0\uff0e1",
    "ⓛocalhost",
    "127.0.0.1\x00.example",
    "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\t", "127.0.0.1\n", "localhost\x00", "a%2eexample",
    "127.0.0.1%2f", "u@127.0.0.1", "127.0.0.1:80", "127.0.0.1/x", "a..example", ".example", "", ".",
    "a.example.1", "a.0x7f", "a" * 64 + ".example", ".".join(["a" * 60] * 5), "*.example", "a,b",
    "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.-4", "+1.2.3.4", "[127.0.0.1]x", "[]",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK + METADATA + ODD_NAMES)
async def test_no_spelling_gets_past(host: str) -> None:
    """Odd spellings are refused before any resolver can read them in its own way."""
    dns = Dns("93.184.216.34")
    assert await code_of(Guard(resolver=dns), host) == "address_blocked"
    assert dns.asked == []


@pytest.mark.parametrize("host", METADATA)
async def test_nothing_allows_metadata(host: str) -> None:
    """Neither allow-private, nor a CIDR, nor connect-to opens the way to metadata."""
    open_wide = {"allow_private": True, "allow_cidrs": ["0.0.0.0/0", "::/0"]}
    assert await code_of(Guard(**open_wide), host) == "address_blocked"  # type: ignore[arg-type]
    bare = host if host.startswith("[") or ":" not in host else f"[{host}]"
    table = ConnectToTable.parse([f"a.example:443:{bare}:80"])
    assert await code_of(Guard(connect_to=table), "a.example") == "address_blocked"


@pytest.mark.parametrize(
    ("host", "address", "family"),
    [
        ("8.8.8.8", "8.8.8.8", socket.AF_INET),
        ("8.8.8.8.", "8.8.8.8", socket.AF_INET),
        ("2606:4700::1111", "2606:4700::1111", socket.AF_INET6),
        ("[2606:4700:0::1111]", "2606:4700::1111", socket.AF_INET6),
        ("::ffff:8.8.8.8", "8.8.8.8", socket.AF_INET),
    ],
)
async def test_public_literals_pass_unasked(
    host: str, address: str, family: socket.AddressFamily
) -> None:
    """An address needs no resolver and is dialled in its canonical form."""
    dns = Dns()
    found = await Guard(resolver=dns).resolve(host, 443)
    assert (found, dns.asked) == ([Endpoint(address, 443, family)], [])


@pytest.mark.parametrize("name", ["a.example", "A.Example.", "_srv.a-b.example", "localhost", "x"])
def test_names_are_names(name: str) -> None:
    """Ordinary names are left to the resolver."""
    assert literal_address(name) is None


async def test_every_address_is_checked() -> None:
    """Refused addresses are dropped from an answer, the rest keeps its order and loses doubles."""
    dns = Dns("10.0.0.1", "2606:4700::1", "8.8.8.8", "::ffff:8.8.8.8", "169.254.169.254")
    found = await Guard(resolver=dns).resolve("a.example", 443)
    assert [endpoint.address for endpoint in found] == ["2606:4700::1", "8.8.8.8"]


async def test_only_refused_addresses() -> None:
    """A name that points to refused addresses alone is blocked."""
    guard = Guard(resolver=Dns("10.0.0.1", "::1", "fe80::1%eth0"))
    assert await code_of(guard, "rebind.example") == "address_blocked"


async def test_allow_list() -> None:
    """A CIDR allows its addresses, no others; it may be changed while the guard is in use."""
    guard = Guard(allow_cidrs=["10.0.0.0/8", "fd00::/8"], resolver=Dns("10.1.2.3", "192.168.0.1"))
    assert [e.address for e in await guard.resolve("a.example", 1)] == ["10.1.2.3"]
    assert (await guard.resolve("fd00::1", 1))[0].address == "fd00::1"
    assert (await guard.resolve("::ffff:10.0.0.1", 1))[0].address == "10.0.0.1"
    assert await code_of(guard, "127.0.0.1") == "address_blocked"
    guard.allow(private=False, cidrs=())
    assert await code_of(guard, "a.example") == "address_blocked"
    with pytest.raises(VaultError):
        guard.allow(private=False, cidrs=["10.0.0.0/33"])


async def test_allow_private() -> None:
    """All private networks can be allowed at once."""
    guard = Guard(allow_private=True)
    for host in ("127.0.0.1", "192.168.1.1", "::1", "fd00::1"):
        assert await guard.resolve(host, 1)


async def test_connect_to_allows_what_it_names() -> None:
    """A destination that an operator wrote down may be private; only there, only by that entry."""
    table = ConnectToTable.parse(["a.example:443:127.0.0.1:8443", "b.example:443:int.example:"])
    dns = Dns("10.0.0.1")
    guard = Guard(connect_to=table, resolver=dns)
    assert await guard.resolve("a.example", 443) == [Endpoint("127.0.0.1", 8443, socket.AF_INET)]
    assert await guard.resolve("b.example", 443) == [Endpoint("10.0.0.1", 443, socket.AF_INET)]
    assert dns.asked == ["int.example"]
    assert await code_of(guard, "a.example", 80) == "address_blocked"
    assert await code_of(guard, "int.example") == "address_blocked"
    kept = Guard(connect_to=ConnectToTable.parse(["a.example:443::8443"]), resolver=dns)
    assert await code_of(kept, "a.example") == "address_blocked"


async def test_answers_are_kept_for_seconds_but_checked_each_time() -> None:
    """Within the time a name is asked for once; a change of what is allowed counts at once."""
    dns, clock = Dns("8.8.8.8"), FakeClock()
    guard = Guard(resolver=dns, monotonic=clock.monotonic)
    await asyncio.gather(*(guard.resolve("a.example", port) for port in range(1, 20)))
    await guard.resolve("a.example", 443)
    assert dns.asked == ["a.example"]
    clock.advance(guard_module.CACHE_SECONDS)
    dns.addresses = ["10.0.0.1"]
    assert await code_of(guard, "a.example") == "address_blocked"
    guard.allow(private=True, cidrs=())
    assert await guard.resolve("a.example", 443)
    assert dns.asked == ["a.example"] * 2


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many names push the oldest out."""
    monkeypatch.setattr(guard_module, "CACHE_SIZE", 3)
    dns = Dns("8.8.8.8")
    guard = Guard(resolver=dns)
    for name in ("a", "b", "c", "d", "b", "a"):
        await guard.resolve(name, 443)
    assert dns.asked == ["a", "b", "c", "d", "a"]


async def test_one_who_leaves_takes_no_answer_away() -> None:
    """Cancelling one of those who wait for a name does not fail the others."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(_name: str) -> list[str]:
        asked.set()
        await answer.wait()
        return ["8.8.8.8"]

    guard = Guard(resolver=slow)
    first = asyncio.create_task(guard.resolve("a.example", 443))
    second = asyncio.create_task(guard.resolve("a.example", 443))
    await asked.wait()
    first.cancel()
    answer.set()
    assert (await second)[0].address == "8.8.8.8"
    with pytest.raises(asyncio.CancelledError):
        await first


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "unknown"), UnicodeError("bad label")])
async def test_unknown_names(failure: Exception) -> None:
    """A name that can't be resolved is unreachable, not refused; a failure isn't kept."""

    async def fails(_name: str) -> list[str]:
        raise failure

    guard = Guard(resolver=fails)
    assert await code_of(guard, "a.example") == "upstream_unreachable"
    with pytest.raises(VaultError, match=r"the name a\.example can't be resolved"):
        await guard.resolve("a.example", 443)
    assert await code_of(Guard(resolver=Dns()), "a.example") == "upstream_unreachable"


async def test_a_silent_resolver_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the DNS has an end."""
    monkeypatch.setattr(guard_module, "DNS_TIMEOUT", 0.01)

    async def silent(_name: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    assert await code_of(Guard(resolver=silent), "a.example") == "upstream_unreachable"


async def test_the_systems_resolver_is_checked_too() -> None:
    """`localhost` is a name, and what it stands for is refused unless allowed."""
    assert await code_of(Guard(), "localhost") == "address_blocked"
    with pytest.raises(VaultError, match="refuses the address of localhost"):
        await Guard().resolve("localhost", 443)
    found = await Guard(allow_private=True).resolve("localhost", 80)
    assert {endpoint.address for endpoint in found} <= {"127.0.0.1", "::1"}
