"""Setting up, sealing, unsealing, and operator sessions."""

from typing import ClassVar

import msgspec

from proxy_core.domain.wire.base import Request, Response


class InitRequest(Request):
    """`POST /v1/init`: the first key slot.

    `secret` is the password; a keyring or key file slot makes its own key. `path` is where the
    worker writes a new key file (absolute).
    """

    slot: str
    secret: str = ""
    label: str = ""
    path: str = ""


class KeyProof(Request):
    """`POST /v1/unseal` and `POST /v1/unlock`: proves one slot.

    `secret` is the password, or the key in base64. Empty for a keyring or key file: the worker
    fetches the key itself, for processes of its own user only. `for_command`: the terminal stays
    locked; only who has the token that is answered is an operator.
    """

    slot: str
    secret: str = ""
    for_command: bool = False


class OperatorSession(Response):
    """`POST /v1/unlock`: an operator session of the caller's terminal, and a token for scripts.

    `terminal` False: no terminal was unlocked (the caller has none, or proved for one command);
    only who sends the token is an operator.
    """

    token: str
    expires_at: str
    terminal: bool = True


class Sealed(Response):
    """Answer of seal, unseal and init.

    `session` is what the proof opened for a caller without a terminal to unlock; else None.
    """

    sealed: bool
    session: OperatorSession | None = None


class Locked(Response):
    """Answer of `POST /v1/lock`."""

    locked: bool = True


class SlotInfo(Response):
    """A key slot: what it is, never what opens it."""

    id: str
    kind: str
    label: str
    created_at: str


class ChangeSlot(Request):
    """`POST /v1/seal/slots/{id}`: a password slot's new password."""

    secret: str


class SlotRemoved(Response):
    """`DELETE /v1/seal/slots/{id}`."""

    removed: str


class RotateKey(Request):
    """`POST /v1/seal/rotate`. `secrets` are the passwords of password slots, by slot id.

    `drop`: ids of slots that shall not open the vault any more. `leave_unreadable`: what can't be
    decrypted stays as it is; else nothing is rotated then.
    """

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"secrets"})

    secrets: dict[str, str] = msgspec.field(default_factory=dict)
    drop: list[str] = msgspec.field(default_factory=list)
    leave_unreadable: bool = False


class KeyRotated(Response):
    """Answer of `POST /v1/seal/rotate`: how many values were sealed anew, and how many not."""

    key_version: int
    resealed: int
    unreadable: int
    slots: list[SlotInfo]


class SlotList(Response):
    """`GET /v1/seal/slots`."""

    slots: list[SlotInfo]
