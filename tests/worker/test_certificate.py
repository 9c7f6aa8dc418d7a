"""The listeners' own certificate: what is refused at the start, and how a new one takes over."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.worker.certificate import ServerCertificate
from proxy_core.worker.chores import renewing
from tests.worker.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A CA that writes certificates into the test's directory."""
    return Authority(tmp_path)


def refusal(authority: Authority) -> str:
    """Why the files there are not taken."""
    with pytest.raises(VaultError) as caught:
        ServerCertificate(authority.chain, authority.key)
    assert (caught.value.code, caught.value.exit_code) == ("bad_request", 2)
    return str(caught.value)


def test_a_private_key_is_ones_own(authority: Authority) -> None:
    """Readable by a group or by all: refused, with what to do."""
    authority.issue("vault.test")
    for mode in (0o640, 0o604, 0o644):
        authority.key.chmod(mode)
        assert (
            refusal(authority) == f"--tls-key: {authority.key} is open to other users: chmod 600."
        )
    authority.key.chmod(0o400)
    assert ServerCertificate(authority.chain, authority.key).trouble == ""


def test_what_is_no_certificate(authority: Authority) -> None:
    """A missing file, other contents, an encrypted key: each its sentence, and no byte of it."""
    authority.issue("vault.test")
    key = authority.key.read_bytes()
    authority.key.write_bytes(authority.encrypted())
    assert "is encrypted" in refusal(authority)
    authority.key.write_bytes(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    assert refusal(authority) == f"--tls-key: {authority.key} holds no PEM private key."
    authority.key.write_bytes(key)
    authority.chain.write_bytes(key)
    assert refusal(authority) == f"--tls-cert: {authority.chain} holds no PEM certificate."
    authority.chain.unlink()
    assert refusal(authority).startswith(f"--tls-cert: {authority.chain} cannot be read:")
    authority.chain.mkdir()
    assert "cannot be read" in refusal(authority) or "regular" in refusal(authority)


def test_another_ones_key(authority: Authority) -> None:
    """A key that is not the certificate's is told so at the start, not in handshakes."""
    authority.issue("vault.test")
    chain = authority.chain.read_bytes()
    authority.issue("vault.test")
    authority.chain.write_bytes(chain)
    assert refusal(authority) == f"--tls-key: {authority.key} is not the key of {authority.chain}."


@pytest.mark.parametrize(
    ("begins", "ends", "told"), [(-9, -1, "expired at"), (1, 9, "is not valid before")]
)
def test_not_now(authority: Authority, begins: int, ends: int, told: str) -> None:
    """Expired, or not valid yet."""
    now = datetime.now(UTC)
    authority.issue("vault.test", begins=now + timedelta(begins), ends=now + timedelta(ends))
    assert told in refusal(authority)


async def test_the_end_is_told_ahead(authority: Authority) -> None:
    """Two weeks before, and a renewed one ends the warning."""
    authority.issue("vault.test", ends=datetime.now(UTC) + timedelta(days=13))
    certificate = ServerCertificate(authority.chain, authority.key)
    assert "expires soon" in certificate.trouble
    authority.issue("vault.test")
    assert await certificate.refresh()
    assert certificate.trouble == ""


async def test_renewal(authority: Authority) -> None:
    """The same context shows the new one; wrong files leave what was in force."""
    authority.issue("first.test")
    certificate = ServerCertificate(authority.chain, authority.key)
    context = certificate.context
    assert authority.name_shown(context) == "first.test"
    assert not await certificate.refresh()
    authority.issue("second.test")
    assert await certificate.refresh()
    assert (certificate.context is context, authority.name_shown(context)) == (True, "second.test")
    authority.key.write_bytes(b"half a")
    with pytest.raises(VaultError, match="no PEM private key"):
        await certificate.refresh()
    assert authority.name_shown(context) == "second.test"
    authority.issue("third.test")
    assert await certificate.refresh()
    assert authority.name_shown(context) == "third.test"


async def test_handshakes_while_it_is_renewed(authority: Authority) -> None:
    """Each shows one certificate or the other, never one with the other's key."""
    pairs = []
    for name in ("one.test", "two.test"):
        authority.issue(name)
        pairs.append((authority.chain.read_bytes(), authority.key.read_bytes()))
    certificate = ServerCertificate(authority.chain, authority.key)
    renew = renewing(certificate)

    async def renew_often() -> None:
        for chain, key in pairs * 40:
            authority.chain.write_bytes(chain)
            authority.key.write_bytes(key)
            await renew()

    renewals = asyncio.create_task(renew_often())
    shown = set()
    while not renewals.done():
        shown.add(authority.name_shown(certificate.context))
        await asyncio.sleep(0)
    await renewals
    assert shown == {"one.test", "two.test"}


@pytest.mark.parametrize(
    "old",
    [
        lambda context: _only(context, "AES128-SHA256:AES256-GCM-SHA384"),  # no forward secrecy
        lambda context: _only(context, "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384"),  # CBC
    ],
)
def test_old_tls(authority: Authority, old: Callable[[ssl.SSLContext], None]) -> None:
    """TLS 1.1, RSA key exchange and CBC suites have no handshake."""
    authority.issue("vault.test")
    certificate = ServerCertificate(authority.chain, authority.key)
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        authority.name_shown(certificate.context, old)


def _only(context: ssl.SSLContext, suites: str) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suites)


def test_the_key_may_be_a_link(authority: Authority, tmp_path: Path) -> None:
    """As renewal tools switch them; what it leads to is what is checked."""
    authority.issue("vault.test")
    link = tmp_path / "live.pem"
    link.symlink_to(authority.key)
    assert ServerCertificate(authority.chain, link).trouble == ""
