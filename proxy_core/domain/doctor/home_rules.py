"""What can be wrong with the data directory and with the keys' place."""

from collections.abc import Iterator
from shlex import quote

from proxy_core.domain.doctor.facts import Facts
from proxy_core.domain.doctor.findings import Finding, error, warning

_MIB = 1024 * 1024
_FULL, _TIGHT = 16 * _MIB, 200 * _MIB
_GROUP_MAY_PASS = 0o710


def home_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module."""
    home = facts.home
    if not home.exists:
        return
    if home.foreign:
        what = f"{home.path} belongs to another user."
        yield error("home_foreign", what, "The worker refuses it.", f"ls -ld {quote(home.path)}")
    elif home.mode & ~_GROUP_MAY_PASS & 0o777:
        what = f"{home.path} is open to others (mode {home.mode & 0o777:04o})."
        yield error("home_mode", what, "It holds the vault.", f"chmod 700 {quote(home.path)}")
    for path in home.open_files:
        what = f"{path} can be read or written by others."
        yield error("file_mode", what, "It holds the vault's data.", f"chmod 600 {quote(path)}")
    if home.free_bytes is not None and home.free_bytes < _TIGHT:
        free = home.free_bytes // _MIB
        what = f"Only {free} MiB are free where {home.path} is."
        why = "When it is full, nothing can be stored: refreshed tokens neither."
        level = error if home.free_bytes < _FULL else warning
        yield level("disk", what, why, f"df -h {quote(home.path)}")
    yield from _keyring(facts)


def _keyring(facts: Facts) -> Iterator[Finding]:
    home, worker = facts.home, facts.worker
    if not home.keyring_problem or worker.failure or not worker.local:
        return
    if set(worker.slots) == {"keyring"}:
        where = "over SSH" if home.over_ssh else "in this session"
        yield warning(
            "keyring",
            f"The only key slot is the OS keyring, and it cannot be used {where}: "
            f"{home.keyring_problem}",
            "Once sealed, the vault cannot be opened from here.",
            "gnome-keyring-daemon --unlock --components=secrets",
        )
