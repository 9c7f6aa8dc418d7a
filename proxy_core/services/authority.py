"""The local CA at rest: the certificate in the open, its private key sealed by the DEK."""

from sqlmodel import Session

from proxy_core.base.ids import new_id
from proxy_core.mitm.ca import RootCA
from proxy_core.seal import Sealer, aad
from proxy_core.store import installation, tables

_TABLE, _COLUMN = "certificate_authority", "sealed"


def seal_root(root: RootCA, sealer: Sealer, now: float) -> tables.CertificateAuthority:
    """A root as it is stored. Raises VaultError: sealed."""
    authority_id = new_id()
    return tables.CertificateAuthority(
        id=authority_id,
        certificate_pem=root.cert_pem.decode("ascii"),
        sealed=sealer.seal(root.key_pem, _place(authority_id)),
        created_at=now,
    )


def unseal_root(stored: tables.CertificateAuthority, sealer: Sealer) -> RootCA:
    """The root with its key. Raises VaultError: sealed, credential_unreadable."""
    key_pem = sealer.unseal(stored.sealed, _place(stored.id))
    return RootCA(stored.certificate_pem.encode("ascii"), key_pem)


def load_certificate(session: Session) -> str:
    """The certificate in PEM; empty before the vault is set up."""
    stored = installation.current_authority(session)
    return "" if stored is None else stored.certificate_pem


def _place(authority_id: str) -> bytes:
    return aad("", _TABLE, authority_id, _COLUMN)
