"""What a browser's form brings: read strictly, and never quoted in a failure."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from proxy_core.base.errors import VaultError
from proxy_core.domain.wire import ProposalReview

MOST_FIELDS = 64
VALUE_PREFIX, TYPED_PREFIX = "value.", "typed."


def parse_form(body: bytes) -> dict[str, str]:
    """Fields by name. Raises VaultError: bad_request (not UTF-8, repeated, too many)."""
    try:
        fields = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise VaultError("bad_request", "The form could not be read.") from None
    found = dict(fields)
    if len(found) != len(fields):
        raise VaultError("bad_request", "The form could not be read: a field stands in it twice.")
    return found


def given_values(form: Mapping[str, str]) -> dict[str, str]:
    """The credentials' values by key; an empty input is none."""
    return {
        name.removeprefix(VALUE_PREFIX): value
        for name, value in form.items()
        if name.startswith(VALUE_PREFIX) and value
    }


def check_typed(form: Mapping[str, str], review: ProposalReview) -> None:
    """Raises VaultError: bad_request unless each name of high risk was typed."""
    for number, name in enumerate(review.to_type):
        if form.get(f"{TYPED_PREFIX}{number}", "").strip() != name:
            raise VaultError("bad_request", f"The risk is high: type {name} to allow it.")
