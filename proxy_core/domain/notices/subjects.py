"""Which notices a webhook wants: types, or families of them such as `proposal.*`."""

from collections.abc import Collection, Sequence

from proxy_core.base.errors import VaultError
from proxy_core.domain.notices.notice import KINDS

EVERYTHING = "*"
_FAMILIES = tuple(dict.fromkeys(f"{kind.split('.')[0]}.*" for kind in KINDS))


def check_subjects(subjects: Sequence[str]) -> list[str]:
    """The subjects, each once; none means everything. Raises VaultError: bad_request."""
    known = {EVERYTHING, *_FAMILIES, *KINDS}
    for subject in subjects:
        if subject not in known:
            raise VaultError(
                "bad_request",
                f"there is no event {subject!r} to be told of; there are "
                f"{', '.join((EVERYTHING, *_FAMILIES, *KINDS))}",
            )
    return list(dict.fromkeys(subjects)) or [EVERYTHING]


def is_wanted(subjects: Collection[str], type: str) -> bool:
    """Whether one of the subjects covers events of this type."""
    return EVERYTHING in subjects or type in subjects or f"{type.partition('.')[0]}.*" in subjects
