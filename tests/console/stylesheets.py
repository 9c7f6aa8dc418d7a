"""Style sheets that are parsed once a test process: a third of what starting the console takes."""

from collections.abc import Callable
from typing import Any

from textual.css.stylesheet import Stylesheet


def keep_parsed_rules() -> None:
    """From now on every console finds the rules that an earlier one parsed from the same text.

    Textual keeps them with one console's style sheet. They depend on the theme's variables too, and
    are not changed once they are parsed.
    """
    Stylesheet._parse_rules = _remembering(Stylesheet._parse_rules)  # type: ignore[method-assign]


def _remembering(parse: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    known: dict[object, list[Any]] = {}

    def found(sheet: Stylesheet, *text: Any, **place: Any) -> list[Any]:
        key = (frozenset(sheet._variables.items()), text, frozenset(place.items()))
        if key not in known:
            known[key] = parse(sheet, *text, **place)
        return known[key]

    return found
