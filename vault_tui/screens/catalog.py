"""The catalog picker: ready-made services, searched while typing."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from proxy_core.domain.wire import Template
from vault_tui import strings
from vault_tui.screens.base import Dialog
from vault_tui.widgets.words import plain


class CatalogDialog(Dialog[str]):
    """Returns the id of the chosen template."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False, priority=True),
        Binding("up", "step(-1)", show=False, priority=True),
    ]

    def __init__(self, templates: list[Template]) -> None:
        super().__init__(classes="dialog tall")
        self._templates = templates
        # As wide as the longest category: a column that some overflow is no column.
        self._widths = (
            max((len(t.name) for t in templates), default=0),
            max((len(t.category) for t in templates), default=0),
        )

    def compose(self) -> ComposeResult:
        """Search line, list, what the highlighted one needs."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings.CATALOG_TITLE)
            window.border_subtitle = Content(strings.CHOOSE_KEYS)
            yield Input(placeholder=strings.CATALOG_SEARCH, compact=True, id="search")
            yield OptionList(id="found", markup=False)
            yield Static("", id="obtain", classes="legend", markup=False)

    def on_mount(self) -> None:
        """Show everything."""
        self._show("")
        self.query_one("#search").focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        words = wanted.lower().split()
        found = self.query_one("#found", OptionList)
        found.clear_options()
        found.add_options(
            Option(_line(template, *self._widths), id=template.id)
            for template in self._templates
            if all(
                word in f"{template.name} {template.category} {template.description}".lower()
                for word in words
            )
        )
        if found.option_count:
            found.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        template = next((t for t in self._templates if t.id == event.option_id), None)
        if template is not None:
            keys = ", ".join(template.keys)
            self.query_one("#obtain", Static).update(
                plain(strings.CATALOG_NEEDS.format(keys=keys, obtain=template.obtain), "$muted")
            )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    @on(Input.Submitted)
    def _run(self) -> None:
        self.query_one("#found", OptionList).action_select()

    def action_step(self, by: int) -> None:
        """Move in the list while typing goes on."""
        found = self.query_one("#found", OptionList)
        found.action_cursor_down() if by > 0 else found.action_cursor_up()


def _line(template: Template, name: int, category: int) -> Content:
    host = str(template.service.get("host", ""))
    return Content.assemble(
        plain(f" {template.name:<{name}}  ", "bold", name + 3),
        plain(f"{template.category:<{category}}  ", "$accent", category + 2),
        plain(host, "$muted", 60),
    )
