"""What a list request of Infisical means: one value for each name.

A folder's own secrets come before those of folders below it, and these before what it imports. Of
several imports the last one counts, as Infisical has it; of an import, its own secrets before what
it imports itself. Where nothing says which one counts a name has no value: it comes twice in one
folder, in several folders below, or, with those, in several imports.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from proxy_core.services.sources.answers import SourceError

Values = dict[str, Any]


class _Secret(NamedTuple):
    name: str
    value: Any
    path: str


def values_of(found: Mapping[str, Any], path: str, *, recursive: bool) -> Values:
    """The values that a list of the folder `path` holds; None: nobody can say which.

    Raises SourceError for what can't be read, hidden values, and an empty answer: a folder that
    does not exist is answered so, and would take every credential with it.
    """
    listed = _secrets(found.get("secrets"))
    own = [one for one in listed if one.path in ("", path)]
    below = [one for one in listed if one.path not in ("", path)]
    imported = _objects(found.get("imports") or [])
    imports = [_first(_pairs(_secrets(one.get("secrets")))) for one in imported]
    if recursive:  # whose imports they are is not told, so there is no order between them
        imports = [_single(item for one in imports for item in one.items())]
    layers = [_single(_pairs(own)), _single(_pairs(below)), *reversed(imports)]
    values = _first(item for layer in layers for item in layer.items())
    if not values:
        raise SourceError("The store has no secrets at this place.")
    return values


def _objects(found: Any) -> list[Mapping[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SourceError("The store's answer holds no list of secrets.")
    return found


def _secrets(found: Any) -> list[_Secret]:
    return [_secret(one) for one in _objects(found)]


def _secret(found: Mapping[str, Any]) -> _Secret:
    name, path = found.get("secretKey"), found.get("secretPath") or ""
    if not isinstance(name, str) or not isinstance(path, str):
        raise SourceError("The store's answer holds what is no secret.")
    if found.get("secretValueHidden"):
        raise SourceError("The store hides values from this machine identity.")
    return _Secret(name, found.get("secretValue"), f"/{path.strip('/')}" if path else "")


def _pairs(secrets: Iterable[_Secret]) -> list[tuple[str, Any]]:
    return [(one.name, one.value) for one in secrets]


def _single(pairs: Iterable[tuple[str, Any]]) -> Values:
    """A name that comes twice has no value: neither is guessed to be meant."""
    values: Values = {}
    for name, value in pairs:
        values[name] = None if name in values else value
    return values


def _first(pairs: Iterable[tuple[str, Any]]) -> Values:
    values: Values = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values
