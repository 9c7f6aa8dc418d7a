"""Reading a mapping from outside, field by field; errors name the place and the remedy."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

_T = TypeVar("_T")
_TYPE_NAMES = {str: "text", bool: "true or false", int: "a whole number", list: "a list"}
MAX_ITEMS = 100


def invalid(where: str, why: str) -> VaultError:
    """VaultError bad_request that begins with the place."""
    return VaultError("bad_request", f"{where}: {why}" if where else why)


def quoted(value: object) -> str:
    """A value from outside, as an error text may show it."""
    return display_safe(repr(value), 80)


class Fields:
    """A mapping at a place. A field that is null counts as left out."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise invalid(where, f"must be a mapping of fields, not {quoted(value)}")
        self.where = where
        self._values = {name: item for name, item in value.items() if item is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def only(self, allowed: Iterable[str]) -> None:
        """Raise VaultError bad_request for the first field that is not `allowed`."""
        choices = tuple(allowed)
        for name in self._values:
            if name in choices:
                continue
            raise invalid(
                self.where,
                f"unexpected field {quoted(name)} (allowed: {', '.join(choices) or 'none'})",
            )

    def get(self, name: str, kind: type[_T], default: _T) -> _T:
        """The field's value, or `default` without it. Raises VaultError bad_request."""
        value = self._values.get(name, default)
        # bool is an int for Python, not for people.
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise invalid(self.where, f"{name} must be {_TYPE_NAMES[kind]}, not {quoted(value)}")
        return value

    def text(self, name: str) -> str:
        """A required, non-empty text. Raises VaultError bad_request."""
        if name not in self._values:
            raise invalid(self.where, f"{name} is required")
        value = self.get(name, str, "")
        if not value:
            raise invalid(self.where, f"{name} must not be empty")
        return value

    def items(self, name: str) -> list[Any]:
        """A list, empty when left out, of at most 100 items. Raises VaultError bad_request."""
        value: list[Any] = self.get(name, list, [])
        if len(value) > MAX_ITEMS:
            raise invalid(self.where, f"{name} has more than {MAX_ITEMS} items")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; given but empty is an error. Raises VaultError bad_request."""
        values = self.items(name)
        if name in self._values and not values:
            raise invalid(self.where, f"{name} must not be empty; leave it out for the default")
        for value in values:
            if not isinstance(value, str):
                raise invalid(self.where, f"{name} must hold texts, not {quoted(value)}")
        return values

    def mapping(self, name: str) -> dict[Any, Any]:
        """A mapping, empty when left out. Raises VaultError bad_request."""
        value = self._values.get(name, {})
        if not isinstance(value, Mapping):
            raise invalid(self.where, f"{name} must be a mapping, not {quoted(value)}")
        if len(value) > MAX_ITEMS:
            raise invalid(self.where, f"{name} has more than {MAX_ITEMS} items")
        return dict(value)
