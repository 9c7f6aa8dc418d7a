"""The `substitutions` of a service document: which placeholder stands for which key, and where."""

import re
from typing import Any

from proxy_core.domain.auth_document import check_key
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.service import Substitution, Surface

PLACEHOLDER_MIN, PLACEHOLDER_MAX = 4, 128
_SURFACES = tuple(Surface)
_PLACEHOLDER = re.compile(r"[A-Za-z0-9_.~-]+", re.ASCII)


def parse_substitutions(fields: Fields) -> tuple[Substitution, ...]:
    """The substitutions of a service's fields, in order. Raises VaultError bad_request."""
    found: dict[str, Substitution] = {}
    for position, item in enumerate(fields.items("substitutions")):
        where = f"{fields.where}.substitutions[{position}]"
        substitution = _substitution(Fields(item, where))
        if substitution.placeholder in found:
            raise invalid(where, f"placeholder {quoted(substitution.placeholder)} is used twice")
        found[substitution.placeholder] = substitution
    return tuple(found.values())


def _substitution(fields: Fields) -> Substitution:
    fields.only(("key", "placeholder", "in"))
    key = check_key(fields.text("key"), f"{fields.where}.key")
    placeholder = fields.text("placeholder")
    if problem := _placeholder_problem(placeholder):
        raise invalid(
            fields.where,
            f"placeholder {quoted(placeholder)} {problem}; for example __{key.lower()}__",
        )
    if "in" not in fields:
        return Substitution(key, placeholder)
    return Substitution(key, placeholder, _surfaces(fields))


def _placeholder_problem(placeholder: str) -> str:
    """What is wrong with a placeholder, or nothing: it must survive clients and not match words."""
    if not PLACEHOLDER_MIN <= len(placeholder) <= PLACEHOLDER_MAX:
        return f"must have {PLACEHOLDER_MIN} to {PLACEHOLDER_MAX} characters"
    if not _PLACEHOLDER.fullmatch(placeholder):
        return "may hold A-Z, a-z, 0-9 and _ . ~ - only, which no client escapes"
    if not any(character.isalnum() for character in placeholder):
        return "needs a letter or a digit"
    if "__" not in placeholder and placeholder.replace("_", "a").isalnum():
        return "needs `__` or one of . ~ - so that it matches no ordinary word"
    return ""


def _surfaces(fields: Fields) -> frozenset[Surface]:
    names = fields.texts("in")
    for name in names:
        if name not in _SURFACES:
            choices = ", ".join(_SURFACES)
            raise invalid(fields.where, f"unknown surface {quoted(name)} (one of {choices})")
    if len(set(names)) < len(names):
        raise invalid(fields.where, "in names a surface twice")
    return frozenset(map(Surface, names))


def substitution_document(item: Substitution) -> dict[str, Any]:
    """What `parse_substitutions` reads, with its surfaces in their usual order."""
    return {
        "key": item.key,
        "placeholder": item.placeholder,
        "in": [str(surface) for surface in Surface if surface in item.surfaces],
    }
