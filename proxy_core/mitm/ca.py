"""The local certificate authority: one root, and a short-lived leaf for each host on demand.

Rules
- The root signs leaves only (pathlen 0) and its key leaves this module as PEM for the caller to
  encrypt; here it is in memory alone.
- All leaves share one P-256 key, made anew in each process. OpenSSL wants files: it gets anonymous
  ones in memory, so that no key touches a disk.
- A leaf lives for less than a day and is backdated for clients whose clock is behind.
- A leaf bears the one name it was asked for, never a wildcard.
"""

import os
import ssl
from base64 import b32encode
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.mitm.guard import literal_address
from proxy_core.mitm.sni import watch_sni

ROOT_LIFETIME = timedelta(days=3652)
LEAF_LIFETIME = timedelta(hours=24)
BACKDATED = timedelta(hours=1)
RENEW_BEFORE = timedelta(hours=6)
CACHE_SIZE = 512


@dataclass(frozen=True, slots=True)
class RootCA:
    """The root in PEM; the key is PKCS #8, unencrypted."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Leaf:
    context: ssl.SSLContext
    valid_from: float
    renew_at: float
    ends_at: float


def new_root(clock: Clock | None = None) -> RootCA:
    """A new P-256 root for ten years, whose name tells it from the roots of other vaults."""
    key = ec.generate_private_key(ec.SECP256R1())
    mark = b32encode(os.urandom(5)).decode("ascii").lower()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Vault TUI"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Vault TUI local CA {mark}"),
        ]
    )
    start = _now(clock or SystemClock()) - BACKDATED
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + ROOT_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(subject_key, critical=False)
        .sign(key, hashes.SHA256())
    )
    return RootCA(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))


class LeafMint:
    """Server contexts by host; implements `ports.LeafSource`.

    Contexts are kept until shortly before their leaf expires, the least recently used ones go
    first. Keeping a context also keeps its session tickets good.
    """

    def __init__(
        self, root: RootCA | None = None, clock: Clock | None = None, cache_size: int = CACHE_SIZE
    ) -> None:
        self._clock = clock or SystemClock()
        self._cache_size = cache_size
        self._cache: OrderedDict[str, _Leaf] = OrderedDict()
        self._signer: _Signer | None = None
        if root is not None:
            self.load(root)

    def load(self, root: RootCA) -> None:
        """Sign with `root` from now on. Raises ValueError when it is no root with its key."""
        self._signer = _Signer(root)
        self._cache.clear()

    def seal(self) -> None:
        """Drop the root: nothing more is signed until `load`.

        Leaves that there are stay until they end. In a tunnel that one opens, a client is told what
        a refused CONNECT would not let it see.
        """
        self._signer = None

    def forget(self) -> None:
        """Drop the root and every leaf: `context_for` says `sealed` until `load`."""
        self._signer = None
        self._cache.clear()

    def context_for(self, host: str) -> ssl.SSLContext:
        """A context that presents a leaf for `host`, a DNS name or an IP address.

        Connections made with it tell the name the client asked for: see `sni.sni_matches`.
        Raises VaultError: sealed; bad_request for what no certificate can name.
        """
        name = leaf_name(host)
        now = self._clock.time()
        leaf = self._cache.get(name)
        if leaf is None or not leaf.valid_from <= now < self._until(leaf):
            leaf = self._mint(name)
            self._cache[name] = leaf
        self._cache.move_to_end(name)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return leaf.context

    def warm(self, hosts: Iterable[str]) -> None:
        """Mint ahead, as far as the cache reaches, so that first requests needn't wait."""
        for host in list(hosts)[: self._cache_size]:
            self.context_for(host)

    def _until(self, leaf: _Leaf) -> float:
        """While there is no other to be had, it serves to its end."""
        return leaf.ends_at if self._signer is None else leaf.renew_at

    def _mint(self, name: str) -> _Leaf:
        if self._signer is None:
            raise VaultError("sealed", "the certificate authority is sealed")
        start = _now(self._clock) - BACKDATED
        end = start + LEAF_LIFETIME
        context = _server_context(self._signer.leaf(name, start, end) + self._signer.leaf_key_pem)
        renew_at = (end - RENEW_BEFORE).timestamp()
        return _Leaf(context, start.timestamp(), renew_at, end.timestamp())


class _Signer:
    """The root's key with the leaves' shared one."""

    def __init__(self, root: RootCA) -> None:
        self._root = x509.load_pem_x509_certificate(root.cert_pem)
        key = serialization.load_pem_private_key(root.key_pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the root's key is not an elliptic curve key")
        if key.public_key() != self._root.public_key():
            raise ValueError("the root's key is not its certificate's")
        self._key = key
        self._authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_public = leaf_key.public_key()
        self._leaf_subject = x509.SubjectKeyIdentifier.from_public_key(self._leaf_public)
        self.leaf_key_pem = _pem(leaf_key)

    def leaf(self, name: str, start: datetime, end: datetime) -> bytes:
        """A certificate in PEM. The name stands in the SAN alone, which is therefore critical."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._root.subject)
            .public_key(self._leaf_public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(min(end, self._root.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(usage, critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=True)
            .add_extension(self._leaf_subject, critical=False)
            .add_extension(self._authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def leaf_name(host: str) -> str:
    """`host` as a certificate names it: lower case, no brackets, no final dot.

    Raises VaultError bad_request for wildcards and whatever is neither a name nor an address.
    """
    try:
        address = literal_address(host)
    except VaultError:
        raise VaultError("bad_request", "no certificate can be made for this host") from None
    return str(address) if address is not None else host.lower().removesuffix(".")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _now(clock: Clock) -> datetime:
    """The clock's time in whole seconds, as certificates have it."""
    return datetime.fromtimestamp(int(clock.time()), UTC)


def _server_context(chain_and_key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # The client knows which of the suites is fast where it runs, and it runs beside us.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 1  # each costs a key derivation; every resumption brings a new one
    context.set_alpn_protocols(["http/1.1"])
    watch_sni(context)
    load_chain(context, chain_and_key)
    return context


def load_chain(context: ssl.SSLContext, chain_and_key: bytes) -> None:
    """Give OpenSSL the PEM through a file that has no name and no disk. Raises ssl.SSLError."""
    descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, chain_and_key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
