"""Key slots, sealing and operator sessions."""

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def init(slot: str, secret: str = "", label: str = "", path: str = "") -> Call[wire.Sealed]:
    """Set the vault up with its first key slot: `password`, `keyring` or `keyfile`.

    `secret` is the password; `path` is where a key file is made, on the worker's machine.
    """
    body = wire.InitRequest(slot=slot, secret=secret, label=label, path=path)
    return Call("POST", "/v1/init", wire.Sealed, body=body)


def seal() -> Call[wire.Sealed]:
    """Forget the key."""
    return Call("POST", "/v1/seal", wire.Sealed)


def unseal(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.Sealed]:
    """Open the vault with a slot of this kind; `secret` is its password, or its key in base64."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unseal", wire.Sealed, body=body)


def unlock(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.OperatorSession]:
    """Prove a key slot: an operator session for this terminal, and its token."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unlock", wire.OperatorSession, body=body)


def lock() -> Call[wire.Locked]:
    """End this terminal's operator session."""
    return Call("POST", "/v1/lock", wire.Locked)


def add_slot(slot: str, secret: str = "", label: str = "", path: str = "") -> Call[wire.SlotInfo]:
    """One more way to open the vault, as `init` makes the first."""
    body = wire.InitRequest(slot=slot, secret=secret, label=label, path=path)
    return Call("POST", "/v1/seal/slots", wire.SlotInfo, body=body)


def change_slot(slot_id: str, secret: str) -> Call[wire.SlotInfo]:
    """Give a password slot another password."""
    body = wire.ChangeSlot(secret=secret)
    return Call("POST", f"/v1/seal/slots/{segment(slot_id)}", wire.SlotInfo, body=body)


def remove_slot(slot_id: str, force: bool = False) -> Call[wire.SlotRemoved]:
    """Take a key slot away; `force` also the last one that needs no person."""
    place = f"/v1/seal/slots/{segment(slot_id)}"
    return Call("DELETE", place, wire.SlotRemoved, given(force="true" if force else None))


def rotate_key(
    secrets: dict[str, str], drop: list[str], leave_unreadable: bool = False
) -> Call[wire.KeyRotated]:
    """Make a new key. `secrets`: passwords by slot id; `drop`: ids of slots that end."""
    body = wire.RotateKey(secrets=secrets, drop=drop, leave_unreadable=leave_unreadable)
    return Call("POST", "/v1/seal/rotate", wire.KeyRotated, body=body)


def make_backup(place: str, passphrase: str = "") -> Call[wire.BackupMade]:
    """Write a backup to an absolute path of the worker's machine."""
    body = wire.MakeBackup(path=place, passphrase=passphrase)
    return Call("POST", "/v1/backup", wire.BackupMade, body=body)


def slots() -> Call[wire.SlotList]:
    """The key slots; never their secrets."""
    return Call("GET", "/v1/seal/slots", wire.SlotList)
