"""The catalog picker: ready-made services, searched while typing."""

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from proxy_core.domain.wire import Template
from vault_tui import strings, strings_services
from vault_tui.screens.searching import SearchDialog, has_all
from vault_tui.widgets.words import plain


class CatalogDialog(SearchDialog):
    """Returns the id of the chosen template."""

    HEADING = strings_services.CATALOG_TITLE
    KEYS = strings.CHOOSE_KEYS
    PLACEHOLDER = strings_services.CATALOG_SEARCH

    def __init__(self, templates: list[Template]) -> None:
        super().__init__()
        self._templates = templates
        # As wide as the longest category: a column that some overflow is no column.
        self._widths = (
            max((len(t.name) for t in templates), default=0),
            max((len(t.category) for t in templates), default=0),
        )

    def below(self) -> ComposeResult:
        """What the highlighted template needs."""
        yield Static("", id="obtain", classes="legend", markup=False)

    def options(self, words: Sequence[str]) -> Iterator[Option]:
        """The templates whose name, category or description tells of the words."""
        for template in self._templates:
            if has_all(f"{template.name} {template.category} {template.description}", words):
                yield Option(_line(template, *self._widths), id=template.id)

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
    host = str(template.service.get("host", ""))
    return Content.assemble(
        plain(f" {template.name:<{name}}  ", "bold", name + 3),
        plain(f"{template.category:<{category}}  ", "$accent", category + 2),
        plain(host, "$muted", 60),
    )
