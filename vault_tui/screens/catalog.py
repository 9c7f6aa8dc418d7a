"""The catalog picker: ready-made services, searched while typing."""

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from proxy_core.domain.wire import Template
from vault_tui.screens.searching import SearchDialog, has_all
from vault_tui.strings import common as strings
from vault_tui.strings import services as strings_services
from vault_tui.widgets.words import plain

_ROOMY, _NAME = 100, 30


class CatalogDialog(SearchDialog):
    """Returns the id of the chosen template."""

    HEADING = strings_services.CATALOG_TITLE
    KEYS = strings.CHOOSE_KEYS
    PLACEHOLDER = strings_services.CATALOG_SEARCH

    def __init__(self, templates: list[Template]) -> None:
        super().__init__()
        self._templates = templates

    def _widths(self) -> tuple[int, int]:
        """Of name and category: as wide as the longest, where the host has room beside them."""
        name = max((len(t.name) for t in self._templates), default=0)
        category = max((len(t.category) for t in self._templates), default=0)
        if self.app.size.width < _ROOMY:
            return min(name, _NAME), 0
        return name, category

    def below(self) -> ComposeResult:
        """What the highlighted template needs."""
        yield Static("", id="obtain", classes="legend", markup=False)

    def options(self, words: Sequence[str]) -> Iterator[Option]:
        """The templates whose name, category or description tells of the words."""
        widths = self._widths()
        for template in self._templates:
            if has_all(f"{template.name} {template.category} {template.description}", words):
                yield Option(_line(template, *widths), id=template.id)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        template = next((t for t in self._templates if t.id == event.option_id), None)
        if template is not None:
            keys = ", ".join(template.keys)
            self.query_one("#obtain", Static).update(
                plain(
                    strings_services.CATALOG_NEEDS.format(keys=keys, obtain=template.obtain),
                    "$muted",
                )
            )


def _line(template: Template, name: int, category: int) -> Content:
    """No category: it is left out, and still searched."""
    host = str(template.service.get("host", ""))
    kind = plain(f"{template.category:<{category}}  ", "$accent", category + 2)
    return Content.assemble(
        Content(" "),
        plain(template.name, "bold", name),
        " " * (name - min(len(template.name), name) + 2),
        kind if category else "",
        plain(host, "$muted", 60),
    )
