"""The listeners' own certificate: read, checked, and read again when its files change.

One context serves both ports. A new certificate is loaded into that same context: handshakes from
then on show it, and connections that stand are not touched. What was loaded stays in force when
the new files are wrong.
"""

import asyncio
import os
import ssl
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proxy_core.base.clock import Clock, SystemClock
from proxy_core.base.errors import VaultError
from proxy_core.mitm.ca import load_chain

CERT_OPTION, KEY_OPTION = "--tls-cert", "--tls-key"
WARN_BEFORE = timedelta(days=14)
# Forward secrecy and authenticated encryption alone; TLS 1.3 has nothing else.
_TLS12_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Files:
    """What was read at one moment; `stamp` tells it from what is there later."""

    chain: bytes
    key: bytes = field(repr=False)
    stamp: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    """Files that may be shown: chain and key in PEM, and until when."""

    material: bytes = field(repr=False)
    not_after: datetime
    stamp: tuple[object, ...]


class ServerCertificate:
    """`context` is what listeners use; it stays the same object.

    Raises VaultError: bad_request, with a sentence about the file that is wrong.
    """

    def __init__(self, chain: Path, key: Path, clock: Clock | None = None) -> None:
        self._paths = (chain, key)
        self._clock = clock or SystemClock()
        self.context = _server_context()
        self._stamp: tuple[object, ...] = ()
        self._show(self._checked(self._read()))

    async def refresh(self) -> bool:
        """Load the files again if they changed; whether they had. Raises as the constructor.

        Files are read and tried in a thread, but shown in the loop, where handshakes begin: one
        that began in between would have the new certificate with the old key.
        """
        changed = await asyncio.to_thread(self._changed)
        if changed is not None:
            self._show(changed)
        return changed is not None

    @property
    def trouble(self) -> str:
        """A sentence once the certificate has expired, or is about to; else empty."""
        left = self._not_after - self._now()
        if left > WARN_BEFORE:
            return ""
        how = "has expired" if left < timedelta() else "expires soon"
        return (
            f"The certificate {self._paths[0]} {how} ({self._not_after:%Y-%m-%d %H:%M} UTC): "
            "put a new one there."
        )

    def _read(self) -> _Files:
        chain, chain_stamp = _content(self._paths[0], CERT_OPTION)
        key, key_stamp = _content(self._paths[1], KEY_OPTION, private=True)
        return _Files(chain, key, chain_stamp + key_stamp)

    def _changed(self) -> _Checked | None:
        files = self._read()
        return None if files.stamp == self._stamp else self._checked(files)

    def _show(self, checked: _Checked) -> None:
        load_chain(self.context, checked.material)
        self._not_after = checked.not_after
        self._stamp = checked.stamp

    def _checked(self, files: _Files) -> _Checked:
        """What OpenSSL takes, too: what it refuses must leave what is shown as it is."""
        leaf = self._leaf(files)
        material = files.chain + b"\n" + files.key
        try:
            load_chain(_server_context(), material)
        except ssl.SSLError as error:
            reason = (error.reason or "unknown").replace("_", " ").lower()
            raise _wrong(CERT_OPTION, self._paths[0], f"cannot be used: {reason}") from None
        return _Checked(material, leaf.not_valid_after_utc, files.stamp)

    def _leaf(self, files: _Files) -> x509.Certificate:
        """The first certificate of the chain, if it is valid now and the key is its own."""
        chain_path, key_path = self._paths
        try:
            leaf = x509.load_pem_x509_certificates(files.chain)[0]
        except ValueError:
            raise _wrong(CERT_OPTION, chain_path, "holds no PEM certificate") from None
        try:
            key = serialization.load_pem_private_key(files.key, None)
        except TypeError:
            raise _wrong(KEY_OPTION, key_path, "is encrypted; the worker cannot ask") from None
        except Exception:  # whatever the parser says may quote the key
            raise _wrong(KEY_OPTION, key_path, "holds no PEM private key") from None
        if _public(key.public_key()) != _public(leaf.public_key()):
            raise _wrong(KEY_OPTION, key_path, f"is not the key of {chain_path}")
        if self._now() > leaf.not_valid_after_utc:
            when = f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            raise _wrong(CERT_OPTION, chain_path, f"expired at {when}")
        if self._now() < leaf.not_valid_before_utc:
            when = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            raise _wrong(CERT_OPTION, chain_path, f"is not valid before {when}")
        return leaf

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)


def _content(path: Path, option: str, *, private: bool = False) -> tuple[bytes, tuple[object, ...]]:
    """A file's bytes, and what changes when it does. A private one is ours alone."""
    try:
        # A symbolic link may lead to it: that is how renewed certificates are switched.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _wrong(option, path, "is not a regular file")
            if private and found.st_uid != os.geteuid():
                raise _wrong(option, path, "belongs to another user")
            if private and stat.S_IMODE(found.st_mode) & 0o077:
                raise _wrong(option, path, "is open to other users: chmod 600")
            content = file.read(_MAX_BYTES)
    except OSError as error:
        raise _wrong(option, path, f"cannot be read: {error.strerror}") from None
    return content, (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # The client knows which of these suites is fast where it runs.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _public(key: object) -> bytes:
    public: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every kind of public key has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public


def _wrong(option: str, path: Path, why: str) -> VaultError:
    return VaultError("bad_request", f"{option}: {path} {why}.")
