"""Upstream certificates: a good one gets the request, a bad one not a byte of it."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mitm.hostile.certificates import BAD, GOOD, Presented
from tests.mitm.rig import Client, Echo, Rig, rig, upstream_tls


class Wardrobe(Echo):
    """An upstream that presents one certificate after another."""

    def __init__(self) -> None:
        super().__init__()
        self.tls = upstream_tls("unused.test")
        self.tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self.tls.set_ciphers("ALL:@SECLEVEL=0")
        self.tls.sni_callback = self._present
        self.worn = self.tls

    def _present(self, connection: ssl.SSLObject, _name: str | None, _tls: ssl.SSLContext) -> None:
        connection.context = self.worn


async def answer(proxy: Rig, host: str) -> tuple[int, bytes, bytes]:
    """To a request for that host, inside TLS; its connection is not kept anywhere."""
    client: Client = await proxy.secure(host)
    fields = f"Host: {host}\r\nConnection: close\r\n\r\n".encode()
    await client.send(b"GET / HTTP/1.1\r\n" + fields)
    return await client.response()


async def statuses(tmp_path: Path, all_of: Sequence[Presented]) -> dict[str, tuple[int, bool]]:
    """For each: the status, and whether a byte of the request got through."""
    upstream, found = Wardrobe(), {}
    async with rig(tmp_path, upstream, tls=upstream.tls) as proxy:
        proxy.configure(pool_total=0)
        for each in all_of:
            upstream.worn = each.context()
            upstream.seen.clear()
            status, head, _ = await answer(proxy, each.host)
            assert status == 200 or b"\r\nX-Vault-Proxy-Error: upstream_tls\r\n" in head, each.name
            found[each.name] = status, bool(upstream.seen)
    return found


async def test_good_certificates_are_accepted(tmp_path: Path) -> None:
    """Names in any case, wildcards of one label, addresses, intermediates."""
    assert await statuses(tmp_path, GOOD) == {each.name: (200, True) for each in GOOD}


async def test_bad_certificates_are_refused(tmp_path: Path) -> None:
    """Over fifty defects of time, name, chain, key and purpose: 502 and nothing of the request."""
    assert len(BAD) > 50
    assert await statuses(tmp_path, BAD) == {each.name: (502, False) for each in BAD}


@pytest.mark.filterwarnings("ignore:ssl.:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
async def test_old_versions_are_refused(tmp_path: Path, version: str) -> None:
    """An upstream that speaks nothing newer than TLS 1.1 gets no request, though others do it."""
    upstream = Wardrobe()
    upstream.worn = GOOD[0].context()
    newer = ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    upstream.tls.options |= newer
    if version == "TLSv1":
        upstream.tls.options |= ssl.OP_NO_TLSv1_1
    lenient = ssl._create_unverified_context()
    lenient.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    lenient.set_ciphers("ALL:@SECLEVEL=0")
    async with rig(tmp_path, upstream, tls=upstream.tls) as proxy:
        _, other = await asyncio.open_connection("127.0.0.1", proxy.upstream_port, ssl=lenient)
        assert other.get_extra_info("ssl_object").version() == version
        other.close()
        status, head, _ = await answer(proxy, "api.test")
        assert (status, b"\r\nX-Vault-Proxy-Error: upstream_" in head) == (502, True)
        assert not upstream.seen
