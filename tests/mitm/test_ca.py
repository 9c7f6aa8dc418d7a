"""The local certificate authority, by real handshakes."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from proxy_core.base.clock import FakeClock, SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.mitm.ca import LeafMint, RootCA, leaf_name, new_root
from proxy_core.mitm.sni import requested_name, sni_matches

ROOT = new_root()


def client_context(root: RootCA = ROOT) -> ssl.SSLContext:
    """A client that trusts this root and nothing else."""
    context = ssl.create_default_context(cadata=root.cert_pem.decode())
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def handshake(
    server: ssl.SSLContext,
    name: str | None,
    client: ssl.SSLContext | None = None,
    session: ssl.SSLSession | None = None,
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Shake hands in memory, and let one byte pass so that tickets arrive. (client, server)"""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    far = server.wrap_bio(up, down, server_side=True)
    near = (client or client_context()).wrap_bio(down, up, server_hostname=name, session=session)
    steps: list[Callable[[], object]] = [near.do_handshake, far.do_handshake]
    while steps:
        for step in list(steps):
            try:
                step()
            except ssl.SSLWantReadError:
                continue
            steps.remove(step)
    far.write(b"x")
    assert near.read(1) == b"x"
    return near, far


def leaf_of(mint: LeafMint, host: str) -> x509.Certificate:
    """The certificate that a client gets to see."""
    near, _ = handshake(mint.context_for(host), host)
    der = near.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der)


def test_root_is_a_root() -> None:
    """Ten years, CA with path length 0, may sign certificates and nothing else."""
    root = x509.load_pem_x509_certificate(ROOT.cert_pem)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    lifetime = root.not_valid_after_utc - root.not_valid_before_utc
    assert timedelta(days=3650) < lifetime < timedelta(days=3655)
    assert new_root().cert_pem != ROOT.cert_pem
    assert x509.load_pem_x509_certificate(new_root().cert_pem).subject != root.subject


def test_root_key_is_not_shown() -> None:
    """The representation of a root holds no key."""
    assert "KEY" not in repr(ROOT)


@pytest.mark.parametrize(
    "host", ["api.example.com", "127.0.0.1", "2001:db8::1", "a" * 63 + ".b.example"]
)
def test_clients_accept_the_leaf(host: str) -> None:
    """A client that trusts the root verifies names and addresses, and speaks http/1.1."""
    near, far = handshake(LeafMint(ROOT).context_for(host), host)
    assert near.selected_alpn_protocol() == far.selected_alpn_protocol() == "http/1.1"
    assert near.version() == "TLSv1.3"


def test_clients_refuse_other_names_and_roots() -> None:
    """A leaf is for one name and one root's clients."""
    mint = LeafMint(ROOT)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(mint.context_for("api.example.com"), "example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(
            mint.context_for("api.example.com"), "api.example.com", client_context(new_root())
        )


def test_leaf_has_what_clients_look_for() -> None:
    """One name, server use, a day's life with an hour in the past, identifiers that chain."""
    leaf = leaf_of(LeafMint(ROOT), "api.example.com")
    root = x509.load_pem_x509_certificate(ROOT.cert_pem)
    leaf.verify_directly_issued_by(root)
    extensions = leaf.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("api.example.com")]
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    subject = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == subject.digest
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(hours=24)
    backdated = SystemClock().time() - leaf.not_valid_before_utc.timestamp()
    assert 3590 < backdated < 3700


def test_leaves_share_a_key_but_no_serial() -> None:
    """One key a process, a serial each."""
    mint = LeafMint(ROOT)
    one, two = leaf_of(mint, "a.example"), leaf_of(mint, "b.example")
    assert one.public_key() == two.public_key()
    assert one.serial_number != two.serial_number
    assert leaf_of(LeafMint(ROOT), "a.example").public_key() != one.public_key()


def test_one_context_a_host() -> None:
    """Spellings of one host share a context, and with it the session tickets."""
    mint = LeafMint(ROOT)
    context = mint.context_for("api.example.com")
    assert mint.context_for("API.Example.com.") is context
    assert mint.context_for("[::1]") is mint.context_for("0:0::1")


def test_sessions_resume() -> None:
    """A client that comes back is spared the full handshake, and still says its name."""
    context, client = LeafMint(ROOT).context_for("api.example.com"), client_context()
    first, _ = handshake(context, "api.example.com", client)
    again, far = handshake(context, "api.example.com", client, first.session)
    assert again.session_reused
    assert requested_name(far) == "api.example.com"


def test_renewal_and_clock_steps() -> None:
    """A leaf is renewed hours before it ends, and when the clock was put back before it began."""
    clock = FakeClock(SystemClock().time())
    mint = LeafMint(ROOT, clock)
    first = mint.context_for("a.example")
    clock.advance(16 * 3600)
    assert mint.context_for("a.example") is first
    clock.advance(2 * 3600)
    second = mint.context_for("a.example")
    assert second is not first
    clock.step(-30 * 3600)
    assert mint.context_for("a.example") is not second


def test_cache_is_bounded() -> None:
    """The least recently used host goes first; warming does not push its own hosts out."""
    mint = LeafMint(ROOT, cache_size=2)
    mint.warm(["a.example", "b.example", "c.example"])
    kept = mint.context_for("a.example")
    other = mint.context_for("b.example")
    mint.context_for("a.example")
    mint.context_for("d.example")
    assert mint.context_for("a.example") is kept
    assert mint.context_for("b.example") is not other


@pytest.mark.parametrize(
    "host",
    [
        "*.example.com",
        "",
        "a b",
        "a/b",
        "a\x00b",
        "ä.example",
        "0x7f.1",
        "a" * 64,
        "a,b",
        "[::1%lo]",
    ],
)
def test_unnameable_hosts_are_refused(host: str) -> None:
    """No wildcard is ever minted, nor anything that is no plain name or address."""
    with pytest.raises(VaultError) as caught:
        LeafMint(ROOT).context_for(host)
    assert caught.value.code == "bad_request"


def test_leaf_name() -> None:
    """Names are lower case without a final dot, addresses canonical without brackets."""
    assert leaf_name("API.Example.COM.") == "api.example.com"
    assert leaf_name("[2001:DB8:0::1]") == "2001:db8::1"


def test_sealing_keeps_the_leaves_that_there_are() -> None:
    """Until they end, as nobody could renew them; no other host gets one."""
    clock = FakeClock(time.time())
    mint = LeafMint(ROOT, clock)
    context = mint.context_for("a.example")
    mint.seal()
    clock.advance(22 * 3600)
    assert mint.context_for("a.example") is context
    with pytest.raises(VaultError) as caught:
        mint.context_for("b.example")
    assert caught.value.code == "sealed"
    clock.advance(2 * 86_400)
    with pytest.raises(VaultError) as caught:
        mint.context_for("a.example")
    assert caught.value.code == "sealed"


def test_sealed_without_a_root() -> None:
    """Forgetting the root ends minting and drops what was minted; loading brings it back."""
    mint = LeafMint(ROOT)
    context = mint.context_for("a.example")
    mint.forget()
    with pytest.raises(VaultError) as caught:
        mint.context_for("a.example")
    assert caught.value.code == "sealed"
    mint.load(ROOT)
    assert mint.context_for("a.example") is not context


def test_root_and_key_must_belong_together() -> None:
    """A root with another's key is refused when it is loaded, not at some client."""
    with pytest.raises(ValueError, match="not its certificate's"):
        LeafMint(RootCA(ROOT.cert_pem, new_root().key_pem))


def test_old_tls_is_refused() -> None:
    """TLS 1.2 is the oldest that is spoken."""
    context = LeafMint(ROOT).context_for("a.example")
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    client = client_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(context, "a.example", client)[0].version() == "TLSv1.2"


def test_minting_leaves_nothing_open_and_nothing_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys go to OpenSSL through memory: no file appears and no descriptor stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    mint = LeafMint(ROOT)
    mint.context_for("warm.example")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        mint.context_for(f"h{number}.example")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []


class TestSni:
    """The name that a client asks for."""

    @pytest.mark.parametrize(
        ("sni", "host", "matches"),
        [
            ("api.example.com", "api.example.com", True),
            ("API.example.com", "api.example.com", True),
            ("evil.example", "api.example.com", False),
            ("example.com", "api.example.com", False),
            (None, "api.example.com", True),
            (None, "127.0.0.1", True),
        ],
    )
    def test_is_told_after_the_handshake(self, sni: str | None, host: str, matches: bool) -> None:
        """The handshake is let through; whether the name was right is known behind it."""
        client = client_context()
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        _, far = handshake(LeafMint(ROOT).context_for(host), sni, client)
        assert requested_name(far) == (sni.lower() if sni else None)
        assert sni_matches(far, host) is matches

    def test_on_real_sockets(self) -> None:
        """Sockets tell it as well, from the non-blocking wrapper that the proxy uses."""
        ours, theirs = socket.socketpair()
        far = (
            LeafMint(ROOT)
            .context_for("a.example")
            .wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
        )
        client = client_context()
        thread = threading.Thread(
            target=lambda: client.wrap_socket(theirs, server_hostname="a.example").close()
        )
        thread.start()
        assert requested_name(far) is None
        far.do_handshake()
        thread.join()
        assert requested_name(far) == "a.example"
        assert sni_matches(far, "a.example")
        assert not sni_matches(far, "b.example")
        far.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_the_openssl_command_agrees(tmp_path: Path) -> None:
    """Another program verifies the chain and the name, strictly."""
    (tmp_path / "root.pem").write_bytes(ROOT.cert_pem)
    leaf = leaf_of(LeafMint(ROOT), "api.example.com")
    (tmp_path / "leaf.pem").write_text(ssl.DER_cert_to_PEM_cert(leaf.public_bytes(Encoding.DER)))
    command = "openssl verify -x509_strict -purpose sslserver -verify_hostname api.example.com"
    done = subprocess.run(
        [*command.split(), "-CAfile", "root.pem", "leaf.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "leaf.pem: OK\n"), done.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_the_openssl_client_connects(tmp_path: Path) -> None:
    """`openssl s_client` shakes hands and verifies, over TCP."""
    (tmp_path / "root.pem").write_bytes(ROOT.cert_pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            accepted, _ = listener.accept()
            context = LeafMint(ROOT).context_for("api.example.com")
            with context.wrap_socket(accepted, server_side=True) as tls:
                tls.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        done = subprocess.run(
            f"openssl s_client -connect 127.0.0.1:{port} -servername api.example.com"
            " -verify_hostname api.example.com -verify_return_error -CAfile root.pem"
            " -alpn http/1.1".split(),
            cwd=tmp_path,
            input="Q\n",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        thread.join()
    assert "Verify return code: 0 (ok)" in done.stdout, done.stderr
    assert "ALPN protocol: http/1.1" in done.stdout
