"""The operating system's keyring, which may be missing, locked or hanging.

Over SSH there is often no keyring, or one that waits for a desktop to ask for a password: every
call runs in a thread of its own with a time limit, and a failure is one sentence.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from proxy_core.base.errors import VaultError

SERVICE_NAME: Final = "vault-tui"
TIMEOUT_SECONDS: Final = 10.0

# By the class of keyring's own errors.
_KINDS: Final = {
    "KeyringLocked": "The OS keyring is locked.",
    "InitError": "The OS keyring can't be opened in this session.",
}

T = TypeVar("T")


def find_backend() -> Any:
    """A backend that stores. `keyring` is imported here: it costs 100 ms.

    Raises VaultError: keyring_unavailable.
    """
    import keyring

    backend = keyring.get_keyring()
    if type(backend).__module__ in {"keyring.backends.fail", "keyring.backends.null"}:
        raise VaultError("keyring_unavailable", "This session has no OS keyring.")
    # The chainer without members: nothing to store in.
    if getattr(backend, "backends", None) == []:
        raise VaultError("keyring_unavailable", "No OS keyring backend works in this session.")
    return backend


def bounded(call: Callable[[], T], timeout: float = TIMEOUT_SECONDS) -> T:
    """Run a keyring call in a daemon thread: one that hangs is left behind, not waited for.

    Raises VaultError: keyring_unavailable, and what `call` raises of that type.
    """
    values: list[T] = []
    ended: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            values.append(call())
            ended.put(None)
        except Exception as error:  # backends raise whatever their libraries raise
            ended.put(error)

    threading.Thread(target=work, name="keyring", daemon=True).start()
    try:
        error = ended.get(timeout=timeout)
    except queue.Empty:
        raise VaultError("keyring_unavailable", "The OS keyring does not answer.") from None
    if isinstance(error, VaultError):
        raise error
    if error is not None:
        # The library's text may name what was stored: only the kind of failure is passed on.
        kind = type(error).__name__
        failed = f"The OS keyring failed ({kind})."
        raise VaultError("keyring_unavailable", _KINDS.get(kind, failed)) from None
    return values[0]
