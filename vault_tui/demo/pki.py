"""A certificate authority made on the spot, for the demo's upstream."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = timedelta(days=2)


def make_upstream_tls(directory: Path, hosts: Sequence[str]) -> tuple[Path, ssl.SSLContext]:
    """A CA file for the worker's `--upstream-ca`, and a server context for all `hosts`.

    The server's key lies in `directory` (private) and goes with it.
    """
    ca_key, key = _new_key(), _new_key()
    ca_name = _name("Vault TUI demo CA")
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, None)
    leaf = _certificate(_name(hosts[0]), ca_name, key, ca_key, hosts)
    ca_file, leaf_file = directory / "upstream-ca.pem", directory / "upstream.pem"
    ca_file.touch(mode=0o600)
    ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    leaf_file.touch(mode=0o600)
    leaf_file.write_bytes(_pem(key) + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return ca_file, context


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    hosts: Sequence[str] | None,
) -> x509.Certificate:
    """A CA certificate without `hosts`, a server's with them."""
    now = datetime.now(UTC)
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=hosts is None, path_length=None), critical=True)
        .add_extension(signer_id, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if hosts is None:
        builder = builder.add_extension(_CA_USAGE, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
