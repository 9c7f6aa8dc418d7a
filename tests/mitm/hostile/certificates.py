"""Certificates that no client should accept, made one defect at a time from a good one."""

import hashlib
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.mitm.rig import HOST, authority

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
_DAY = timedelta(days=1)
DNS, IP = x509.DNSName, x509.IPAddress


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _issuer_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def _weak_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


@dataclass(frozen=True)
class Issuer:
    """Who signs, with the certificates that a server sends along."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()


@cache
def root() -> Issuer:
    """The root that the proxy trusts."""
    key = serialization.load_pem_private_key(authority().private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return Issuer(x509.load_pem_x509_certificate(authority().cert_pem.bytes()), key)


@dataclass(frozen=True)
class Plan:
    """One certificate; the defaults make a good leaf for HOST.

    `ca` None: without basic constraints; `depth` is the path length; `signs`: its key is for
    signing certificates, and for nothing else.
    """

    names: Sequence[x509.GeneralName] = (DNS(HOST),)
    common_name: str = HOST
    begins: timedelta = -_DAY
    ends: timedelta = _DAY
    uses: Sequence[ObjectIdentifier] = (_SERVER,)
    ca: bool | None = False
    depth: int | None = None
    signs: bool = False
    key_usage: bool = True
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    key: Callable[[], Key] = _key

    def sign(self, issuer: Issuer | None = None) -> x509.Certificate:
        """Signed by the issuer: the trusted root unless another one is given."""
        issuer, key, now = issuer or root(), self.key(), datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(self.common_name))
            .issuer_name(issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + self.begins)
            .not_valid_after(now + self.ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )
        for extension, critical in self._extensions(issuer):
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer.key, hashes.SHA256())

    def _extensions(self, issuer: Issuer) -> list[tuple[x509.ExtensionType, bool]]:
        about = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        found: list[tuple[x509.ExtensionType, bool]] = [(about, False), *self.extra]
        if self.names:
            found.append((x509.SubjectAlternativeName(self.names), False))
        if self.uses:
            found.append((x509.ExtendedKeyUsage(self.uses), False))
        if self.ca is not None:
            found.append((x509.BasicConstraints(self.ca, self.depth), True))
        if self.key_usage:
            found.append((_key_usage(self.signs), True))
        return found


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not signs, False, False, False, False, signs, signs, False, False)


LEAF = Plan()
_CA = Plan((), "Middle", uses=(), signs=True, key=_issuer_key)
_MIDDLE = replace(_CA, ca=True, depth=0)


def _below(*plans: Plan, leaf: Plan = LEAF, sent: bool = True) -> Callable[[], list[bytes]]:
    """A leaf below intermediates, the topmost first; all of them are sent along, or none."""

    def made() -> list[bytes]:
        issuer = root()
        for plan in plans:
            certificate = plan.sign(issuer)
            issuer = Issuer(certificate, plan.key(), (certificate, *issuer.chain))
        return _pem(leaf.sign(issuer), *(issuer.chain if sent else ()))

    return made


def _alone(**changes: object) -> Callable[[], list[bytes]]:
    return _below(leaf=replace(LEAF, **changes))  # type: ignore[arg-type] # the fields of Plan


def _pem(*certificates: x509.Certificate) -> list[bytes]:
    return [each.public_bytes(serialization.Encoding.PEM) for each in certificates]


def _self_signed(plan: Plan) -> Callable[[], list[bytes]]:
    def made() -> list[bytes]:
        draft = plan.sign()
        own = x509.CertificateBuilder().subject_name(draft.subject).issuer_name(draft.subject)
        own = own.public_key(draft.public_key()).serial_number(draft.serial_number)
        own = own.not_valid_before(draft.not_valid_before_utc)
        own = own.not_valid_after(draft.not_valid_after_utc)
        for extension in draft.extensions:
            own = own.add_extension(extension.value, extension.critical)
        return _pem(own.sign(plan.key(), hashes.SHA256()))

    return made


def _unknown_root(name: x509.Name) -> Callable[[], list[bytes]]:
    def made() -> list[bytes]:
        key, ca = _issuer_key(), x509.BasicConstraints(ca=True, path_length=None)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        builder = builder.public_key(key.public_key()).serial_number(1).add_extension(ca, True)
        now = datetime.now(UTC)
        builder = builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)
        certificate = builder.sign(key, hashes.SHA256())
        return _pem(LEAF.sign(Issuer(certificate, key)), certificate)

    return made


def _broken_signature() -> list[bytes]:
    data = bytearray(LEAF.sign().public_bytes(serialization.Encoding.DER))
    data[-3] ^= 1
    return _pem(x509.load_der_x509_certificate(bytes(data)))


def _with_sha1() -> list[bytes]:
    """Libraries refuse to make one by now: the signature is computed here."""
    middle = replace(_MIDDLE, key=_rsa_key)
    issuer = Issuer(middle.sign(), _rsa_key())
    good = LEAF.sign(issuer)
    old, new = (bytes.fromhex("2a864886f70d0101" + end) for end in ("0b", "05"))
    signed = good.tbs_certificate_bytes.replace(old, new)
    info = bytes.fromhex("003021300906052b0e03021a05000414") + hashlib.sha1(signed).digest()
    padded = b"\0\x01".ljust(256 - len(info), b"\xff") + info
    numbers = _rsa_key().private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(256)
    der = good.public_bytes(serialization.Encoding.DER).replace(old, new)
    made = x509.load_der_x509_certificate(der.replace(good.signature, signature))
    return _pem(made, issuer.certificate)


@dataclass(frozen=True)
class Presented:
    """What a server presents to who asks for `host`."""

    name: str
    made: Callable[[], list[bytes]]
    host: str = HOST
    key: Callable[[], Key] = _key

    def context(self) -> ssl.SSLContext:
        """A server that would do with anything, so that it's the client who has to refuse."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        key = self.key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "chain.pem"
            path.write_bytes(key + b"".join(self.made()))
            context.load_cert_chain(path)
        return context


def _named(*names: str) -> Callable[[], list[bytes]]:
    return _alone(names=tuple(map(DNS, names)))


_ELSEWHERE = x509.NameConstraints([DNS("other.example")], None)
_NOT_HERE = x509.NameConstraints(None, [DNS("test")])
_LOCAL = "127.0.0.1"
GOOD = (
    Presented("a leaf", _alone()),
    Presented("a leaf below an intermediate", _below(_MIDDLE)),
    Presented("a leaf below an RSA key", _below(replace(_MIDDLE, key=_rsa_key))),
    Presented("upper case", _named("API.Test")),
    Presented("a wildcard", _named("*.api.test"), "www.api.test"),
    Presented("one of many names", _named("a.test", HOST, "b.test")),
    Presented("an address", _alone(names=(IP(ip_address(_LOCAL)),)), _LOCAL),
)
BAD = (
    Presented("expired", _alone(begins=-2 * _DAY, ends=-_DAY)),
    Presented("expired a minute ago", _alone(ends=timedelta(minutes=-1))),
    Presented("not yet valid", _alone(begins=_DAY, ends=2 * _DAY)),
    Presented("valid in a minute", _alone(begins=timedelta(minutes=1))),
    Presented("another name", _named("other.test")),
    Presented("a longer name", _named("api.test.evil.example")),
    Presented("a name within", _named("evilapi.test")),
    Presented("a name below", _named("www.api.test")),
    Presented("the name above", _named("test")),
    Presented("a look-alike", _named("xn--pi-7kc.test")),
    Presented("a NUL in the name", _named("api.test\0.evil.example")),
    Presented("common name alone", _alone(names=())),
    Presented("common name beside another", _named("other.test", "more.test")),
    Presented("address instead of name", _alone(names=(IP(ip_address("127.0.0.1")),))),
    Presented("URI", _alone(names=(x509.UniformResourceIdentifier("https://api.test"),))),
    Presented("mail address", _alone(names=(x509.RFC822Name("root@api.test"),))),
    Presented("a bare star", _named("*")),
    Presented("a star over a top-level domain", _named("*.test")),
    Presented("a star for the domain itself", _named("*.api.test")),
    Presented("a star over two labels", _named("*.api.test"), "a.b.api.test"),
    Presented("two stars", _named("*.*.test"), "www.api.test"),
    Presented("a star in the middle", _named("www.*.test"), "www.api.test"),
    Presented("a star at the end", _named("www.api.*"), "www.api.test"),
    Presented("half a star before", _named("w*.api.test"), "www.api.test"),
    Presented("half a star behind", _named("*w.api.test"), "www.api.test"),
    Presented("a star in a label", _named("w*w.api.test"), "www.api.test"),
    Presented("a star in punycode", _named("xn--*.api.test"), "xn--80a.api.test"),
    Presented("an address as a name", _named(_LOCAL), _LOCAL),
    Presented("an address in the common name", _alone(names=(), common_name=_LOCAL), _LOCAL),
    Presented("another address", _alone(names=(IP(ip_address("127.0.0.2")),)), _LOCAL),
    Presented("a star for an address", _named("*.0.0.1"), _LOCAL),
    Presented("a name for an address", _alone(), _LOCAL),
    Presented("self-signed", _self_signed(LEAF)),
    Presented("self-signed CA", _self_signed(replace(LEAF, ca=True))),
    Presented("unknown root", _unknown_root(_name("Nobody"))),
    Presented("unknown root of the same name", lambda: _unknown_root(root().certificate.subject)()),
    Presented("signature broken", _broken_signature),
    Presented("SHA-1", _with_sha1),
    Presented("1024 bits", _alone(key=_weak_key), key=_weak_key),
    Presented("for clients", _alone(uses=(_CLIENT,))),
    Presented("for code", _alone(uses=(ExtendedKeyUsageOID.CODE_SIGNING,))),
    Presented(
        "for mail and time",
        _alone(uses=(ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING)),
    ),
    Presented("key for signing certificates", _alone(signs=True)),
    Presented("unknown critical extension", _alone(extra=((_UNKNOWN, True),))),
    Presented("issuer is a leaf", _below(_CA)),
    Presented("issuer is the own leaf", _below(LEAF, leaf=LEAF)),
    Presented("issuer without constraints", _below(replace(_CA, ca=None, key_usage=False))),
    Presented("issuer may not sign", _below(replace(_CA, ca=True, signs=False))),
    Presented("issuer has expired", _below(replace(_MIDDLE, begins=-2 * _DAY, ends=-_DAY))),
    Presented("issuer not yet valid", _below(replace(_MIDDLE, begins=_DAY, ends=2 * _DAY))),
    Presented("issuer not sent", _below(_MIDDLE, sent=False)),
    Presented("issuer too deep", _below(_MIDDLE, replace(_MIDDLE, common_name="Lower", key=_key))),
    Presented("issuer for clients", _below(replace(_MIDDLE, uses=(_CLIENT,)))),
    Presented("issuer for other names", _below(replace(_MIDDLE, extra=((_ELSEWHERE, True),)))),
    Presented(
        "issuer for none of these names", _below(replace(_MIDDLE, extra=((_NOT_HERE, True),)))
    ),
    Presented("issuer of 1024 bits", _below(replace(_MIDDLE, key=_weak_key))),
    Presented(
        "issuer with an unknown extension", _below(replace(_MIDDLE, extra=((_UNKNOWN, True),)))
    ),
)
