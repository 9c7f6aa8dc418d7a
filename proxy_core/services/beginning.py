"""What a vault has once it is set up: a first key slot, a root CA, the vault `default`."""

from sqlmodel import Session

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.domain.service import UnmatchedHostPolicy
from proxy_core.mitm.ca import new_root
from proxy_core.seal import Sealer, SlotRecord
from proxy_core.services import authority, slots
from proxy_core.store import installation, tables, vaults


def first_root(sealer: Sealer, clock: Clock) -> tables.CertificateAuthority:
    """A new root CA, sealed. Takes a while: call it in a thread."""
    return authority.seal_root(new_root(clock), sealer, clock.time())


def store_first(
    session: Session, slot: SlotRecord, root: tables.CertificateAuthority, now: float
) -> None:
    """Store all of it. Raises VaultError: conflict when somebody was quicker."""
    if installation.list_slots(session):
        raise already_set_up()
    installation.save_slot(session, slots.slot_row(slot))
    installation.save_authority(session, root)
    vaults.add_vault(
        session,
        tables.Vault(
            id=new_id(),
            name=DEFAULT_VAULT,
            unmatched_host_policy=UnmatchedHostPolicy.PASSTHROUGH.value,
            created_at=now,
        ),
    )


def already_set_up() -> VaultError:
    """There is a key slot."""
    return VaultError("conflict", "The vault is set up already.")
