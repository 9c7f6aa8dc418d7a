"""Certificates in files, as an administrator has them, and what a client sees of them."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import DNSName, SubjectAlternativeName, load_der_x509_certificate


@dataclass
class Authority:
    """`issue` writes `chain` and `key`; clients trust `ca_file`."""

    directory: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.chain = self.directory / "chain.pem"
        self.key = self.directory / "key.pem"
        self.ca_file = self.directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.ca_file))

    def issue(
        self, *names: str, begins: datetime | None = None, ends: datetime | None = None
    ) -> None:
        """A new certificate with a key of its own."""
        made = self.ca.issue_cert(*names, not_before=begins, not_after=ends)
        self.chain.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        self.key.touch(0o600)
        self.key.write_bytes(made.private_key_pem.bytes())

    def encrypted(self) -> bytes:
        """The key under a password."""
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )

    def client_context(self) -> ssl.SSLContext:
        """Trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca_file)
        return context

    def name_shown(
        self, server: ssl.SSLContext, change: Callable[[ssl.SSLContext], None] | None = None
    ) -> str:
        """The name in the certificate that a handshake in memory shows. Raises ssl.SSLError."""
        context = self.client_context()
        context.check_hostname = False
        if change is not None:
            change(context)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(to_client, to_server)
        worker = server.wrap_bio(to_server, to_client, server_side=True)
        waiting = [client, worker]
        while waiting:
            for side in list(waiting):
                try:
                    side.do_handshake()
                    waiting.remove(side)
                except ssl.SSLWantReadError:
                    pass
        shown = load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")
        names = shown.extensions.get_extension_for_class(SubjectAlternativeName).value
        return names.get_values_for_type(DNSName)[0]
