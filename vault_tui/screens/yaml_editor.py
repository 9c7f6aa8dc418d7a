"""All services of a vault as YAML: edit, look at the difference, save."""

import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static, TextArea
from textual.widgets.text_area import TextAreaTheme

from proxy_core.base.errors import VaultError
from proxy_core.domain.service_document import parse_services, service_document
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.strings import services as strings_services
from vault_tui.widgets.words import plain, safe_lines


def to_yaml(documents: list[dict[str, Any]]) -> str:
    """The services as one document; whatever is not ASCII is escaped, and so cannot act."""
    import yaml

    return yaml.safe_dump({"services": documents}, sort_keys=False, allow_unicode=False, width=100)


def of_yaml(text: str) -> list[dict[str, Any]]:
    """The documents, whole and valid. Raises VaultError bad_request."""
    import yaml

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise VaultError("bad_request", strings_services.YAML_WRONG.format(why=error)) from None
    services = loaded.get("services") if isinstance(loaded, dict) else None
    if services is None and isinstance(loaded, dict) and set(loaded) == {"services"}:
        services = []
    if not isinstance(services, list) or set(loaded) != {"services"}:
        raise VaultError("bad_request", strings_services.YAML_SHAPE)
    return [service_document(service) for service in parse_services(services)]


def editor_theme(colours: Mapping[str, str]) -> TextAreaTheme:
    """The editor in the application's own colours; what is not named here comes from its CSS."""
    names = {
        "yaml.field": Style.parse("bold"),
        "string": _style(colours["primary"]),
        "number": _style(colours["accent"]),
        "boolean": _style(colours["accent"]),
        "constant.builtin": _style(colours["accent"]),
        "comment": _style(colours["faint"]),
    }
    return TextAreaTheme(name="vault", syntax_styles=names)


def _style(colour: str) -> Style:
    # Textual's names of the sixteen colours differ from Rich's.
    return Style(color="default" if colour == "ansi_default" else colour.removeprefix("ansi_"))


class YamlEditor(Dialog[list[dict[str, Any]]]):
    """Ctrl+S shows the difference, Ctrl+S again saves; Escape goes back, then leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", show=False, priority=True),
        Binding("escape", "back", show=False, priority=True),
    ]

    def __init__(self, documents: list[dict[str, Any]], read_only: bool) -> None:
        super().__init__(classes="dialog full")
        self._before = to_yaml(documents)
        self._read_only = read_only
        self._edited: list[dict[str, Any]] | None = None

    def compose(self) -> ComposeResult:
        """Editor or difference, and what is wrong."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings_services.YAML_TITLE)
            window.border_subtitle = Content(strings_services.YAML_KEYS)
            yield TextArea.code_editor(
                self._before, language="yaml", read_only=self._read_only, id="yaml"
            )
            with VerticalScroll(id="diff"):
                yield Static("", id="diff-text", markup=False)
            yield Static("", id="complaint", markup=False)

    def on_mount(self) -> None:
        """Edit."""
        self.query_one("#diff").display = False
        editor = self.query_one("#yaml", TextArea)
        editor.register_theme(editor_theme(self.app.theme_variables))
        editor.theme = "vault"
        editor.focus()

    def action_save(self) -> None:
        """First the difference, then the deed."""
        if self._edited is not None:
            self.dismiss(self._edited)
            return
        if self._read_only:
            self._say(strings.WHY_READ_ONLY, "$warning")
            return
        try:
            edited = of_yaml(self.query_one("#yaml", TextArea).text)
        except VaultError as error:
            self._say(f"✗ {error}", "$error")
            return
        after = to_yaml(edited)
        if after == self._before:
            self._say(strings_services.YAML_SAME, "$muted")
            return
        self._edited = edited
        self.query_one("#diff-text", Static).update(difference(self._before, after))
        self._show_diff(True)
        self._say(strings_services.YAML_SURE, "$accent")

    def _show_diff(self, shown: bool) -> None:
        self.query_one("#diff").display = shown
        self.query_one("#yaml").display = not shown
        self.query_one("#diff" if shown else "#yaml").focus()

    def action_back(self) -> None:
        """From the difference to the editor, from the editor out."""
        if self._edited is None:
            self.dismiss(None)
            return
        self._edited = None
        self._show_diff(False)
        self._say("", "")

    def _say(self, text: str, style: str) -> None:
        self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))


def difference(before: str, after: str) -> Content:
    """Changed lines with some around them; the sign says it, the colour underlines it."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    styles = {"+": "$success", "-": "$error", "@": "$primary"}
    return Content("\n").join(
        plain(line, styles.get(line[:1], "$muted"))
        for line in lines
        if not line.startswith(("+++", "---"))
    )
