"""Key slots, sealing and operator sessions."""

from proxy_core.client.calls.call import Call
from proxy_core.domain import wire


def init(slot: str, secret: str = "", label: str = "", path: str = "") -> Call[wire.Sealed]:
    """Set the vault up with its first key slot; `path` is where a key file is made."""
    body = wire.InitRequest(slot=slot, secret=secret, label=label, path=path)
    return Call("POST", "/v1/init", wire.Sealed, body=body)


def seal() -> Call[wire.Sealed]:
    """Forget the key."""
    return Call("POST", "/v1/seal", wire.Sealed)


def unseal(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.Sealed]:
    """Open the vault with one key slot."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unseal", wire.Sealed, body=body)


def unlock(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.OperatorSession]:
    """Prove a key slot: an operator session for this terminal, and its token."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unlock", wire.OperatorSession, body=body)


def lock() -> Call[wire.Locked]:
    """End this terminal's operator session."""
    return Call("POST", "/v1/lock", wire.Locked)


def slots() -> Call[wire.SlotList]:
    """The key slots; never their secrets."""
    return Call("GET", "/v1/seal/slots", wire.SlotList)
