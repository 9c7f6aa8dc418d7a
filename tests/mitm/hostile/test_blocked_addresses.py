"""The network guard against everything that leads to a blocked address, spelled or resolved."""

import asyncio
import socket
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.mitm.addresses import canonical
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.guard import CACHE_SECONDS, Guard, literal_address
from proxy_core.mitm.server import ProxyServer
from tests.mitm.hostile.spellings import addresses, all_of_them, metadata, of_v4
from tests.mitm.rig import (
    Client,
    Echo,
    FakeBroker,
    LeafMint,
    absolute,
    rig,
    root,
    upstream,
)


class Dns:
    """Answers each question with the next list of addresses, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


async def verdict(guard: Guard, host: str) -> str:
    """`allowed`, or the code of the refusal."""
    try:
        await guard.resolve(host, 443)
    except VaultError as error:
        return error.code
    return "allowed"


async def test_no_spelling_is_resolved_or_dialled() -> None:
    """Thousands of spellings of blocked addresses: all refused, none shown to a resolver."""
    dns = Dns(["8.8.8.8"])
    guard = Guard(resolver=dns)
    spellings = all_of_them()
    assert len(spellings) > 3000
    found = {spelling: await verdict(guard, spelling) for spelling in spellings}
    assert {text: code for text, code in found.items() if code != "address_blocked"} == {}
    assert dns.asked == []


async def test_nothing_opens_the_way_to_metadata() -> None:
    """With all private networks allowed, in every way there is, metadata stays out of reach."""
    guard = Guard(allow_private=True, allow_cidrs=["0.0.0.0/0", "::/0"], resolver=Dns(["8.8.8.8"]))
    found = {spelling: await verdict(guard, spelling) for spelling in metadata()}
    assert len(found) > 500
    assert Counter(found.values()) == {"address_blocked": len(found)}


ODD = st.text("0123456789abcdefxX.:%[]-_", min_size=1, max_size=24)
DOTTED = st.lists(
    st.from_regex(r"(0[xX])?[0-9a-f]{1,9}", fullmatch=True), min_size=1, max_size=5
).map(".".join)


@given(ODD | DOTTED | st.ip_addresses().map(str))
def test_the_system_reads_no_number_where_the_guard_sees_a_name(host: str) -> None:
    """What goes to the resolver is a name to the C library too; what is an address is the same."""
    try:
        seen = literal_address(host)
    except VaultError:
        return
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, flags=socket.AI_NUMERICHOST)
    except OSError:
        found = []
    read = {canonical(ip_address(str(address[0]))) for *_, address in found}
    assert read == (set() if seen is None else {canonical(seen)}) or host.endswith(".")


async def test_no_name_leads_there() -> None:
    """A name that resolves to a blocked address, or to one that carries it, is refused."""
    for address in addresses():
        for answer in (
            [address],
            [address, address],
            [f"{address}%eth0"] if ":" in address else [address],
        ):
            assert (
                await verdict(Guard(resolver=Dns(answer)), "rebind.example") == "address_blocked"
            ), answer


async def test_of_a_mixed_answer_only_the_public_part_is_dialled() -> None:
    """Wherever the blocked address stands among the others."""
    for address in addresses():
        for answer in (["8.8.8.8", address], [address, "8.8.8.8"], [address, "8.8.8.8", address]):
            endpoints = await Guard(resolver=Dns(answer)).resolve("mixed.example", 443)
            assert [endpoint.address for endpoint in endpoints] == ["8.8.8.8"], answer


async def test_no_spelling_gets_through_the_proxy(tmp_path: Path) -> None:
    """Asked for over the wire: 400 or 403, and the listener behind them hears nothing."""
    echo, found = Echo(), Counter[bytes]()
    async with rig(tmp_path, echo, tls=False, connect_to="x.test:1:127.0.0.1:1") as proxy:
        spellings = [*of_v4("127.0.0.1"), *all_of_them()[::6]]
        for spelling in filter(str.isascii, spellings):
            authority = f"{spelling}:{proxy.upstream_port}".encode()
            client = await proxy.plain()
            head = absolute(extra=b"Connection: close\r\n")
            await client.send(head.replace(b"http://api.test/", b"http://%b/" % authority))
            answer = await client.rest()
            client.close()
            found[answer[9:12]] += 1
            assert answer[9:12] in (b"400", b"403"), (spelling, answer)
            assert answer[9:12] != b"403" or b"X-Vault-Proxy-Error: address_blocked" in answer
    assert echo.connections == 0
    assert set(found) == {b"400", b"403"}


async def test_rebinding_is_seen_at_the_next_connection() -> None:
    """One question for each connection: its answer is dialled; the next one is judged anew."""
    now, echo = 0.0, Echo()
    dns = Dns(["127.0.0.1"], ["127.0.0.2"])
    guard = Guard(allow_cidrs=["127.0.0.1/32"], resolver=dns, monotonic=lambda: now)
    async with upstream(echo, None) as port:
        proxy = ProxyServer(FakeBroker(), LeafMint(root()), guard, ProxyConfig(pool_total=0))
        _, proxy_port = await proxy.start("127.0.0.1", 0)
        try:
            statuses = []
            for _ in range(2):
                client = Client(*await asyncio.open_connection("127.0.0.1", proxy_port))
                target = absolute().replace(b"http://api.test/", b"http://api.test:%d/" % port)
                await client.send(target)
                statuses.append((await client.response())[0])
                client.close()
                now += CACHE_SECONDS + 1
        finally:
            await proxy.stop(0)
    assert statuses == [200, 403]
    assert (dns.asked, echo.connections) == (["api.test"] * 2, 1)
