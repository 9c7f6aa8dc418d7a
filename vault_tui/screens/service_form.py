"""The form of one service: checked with every key, with the match tester beside it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.auth_document import KEY_FIELDS
from proxy_core.domain.service import AuthType
from proxy_core.domain.service_document import (
    auto_name,
    credential_keys,
    parse_service,
    service_document,
)
from vault_tui.local_match import explain
from vault_tui.screens.base import Dialog
from vault_tui.service_words import (
    AUTH_FIELDS,
    auth_value,
    gateway_line,
    gateway_of_line,
    header_lines,
    headers_of_line,
    rule_lines,
    rules_of_lines,
    substitution_lines,
    substitutions_of_lines,
)
from vault_tui.strings import common as strings
from vault_tui.strings import services as strings_services
from vault_tui.widgets.tick import Tick
from vault_tui.widgets.words import safe_lines

_FIELDS = tuple(dict.fromkeys(name for fields in AUTH_FIELDS.values() for name, _ in fields))


class ServiceForm(Dialog[dict[str, Any]]):
    """Returns the service's document."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", show=False, priority=True)]

    def __init__(self, document: Mapping[str, Any], new: bool, note: str = "") -> None:
        super().__init__(classes="dialog form")
        self._document, self._new, self._note = dict(document), new, note

    # --- widgets ------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Fields, what is wrong, a tester."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self._title())
            window.border_subtitle = Content(strings_services.FORM_KEYS)
            with VerticalScroll(classes="fields"):
                if self._note:
                    yield Static(Content.styled(safe_lines(self._note), "$muted"), classes="text")
                yield from self._fields()
                yield from self._line("test", "")
                yield Static("", id="winner", markup=False)
            yield Static("", id="complaint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(
                    Content(strings_services.SAVE), id="save", variant="primary", compact=True
                )
                yield Button(Content(strings.CANCEL), id="cancel", compact=True)

    def _title(self) -> str:
        if self._new:
            return strings_services.FORM_NEW
        name = str(self._document.get("name", ""))
        return strings_services.FORM_EDIT.format(name=safe_lines(name))

    def _fields(self) -> ComposeResult:
        document = self._document
        yield from self._line("host", str(document.get("host", "")))
        yield from self._line("name", str(document.get("name", "")))
        yield from self._auth_fields(document.get("auth") or {"type": "bearer"})
        yield from self._line("gateway", gateway_line(document))
        yield from self._area("rules", rule_lines(document))
        yield from self._area("substitutions", substitution_lines(document))
        with Horizontal(classes="field"):
            yield Label(strings_services.FORM_LABELS["options"], markup=False)
            yield self._tick("enabled", strings_services.ENABLED, usual=True)
            yield self._tick("allow_http", strings_services.ALLOW_HTTP, usual=False)
            yield self._tick("scrub", strings_services.SCRUB, usual=True)

    def _auth_fields(self, auth: Mapping[str, Any]) -> ComposeResult:
        """The type, and the fields of every type, of which `_check` shows the type's own."""
        kinds = [(strings_services.AUTH_TYPES[kind.value], kind.value) for kind in AuthType]
        chosen = str(auth.get("type", "bearer"))
        with Horizontal(classes="field"):
            yield Label(strings_services.FORM_LABELS["auth"], markup=False)
            yield Select(kinds, value=chosen, allow_blank=False, compact=True, id="auth")
        for name in _FIELDS:
            lines = header_lines(self._document) if name == "headers" else str(auth.get(name, ""))
            yield from self._line(name, lines)

    def _tick(self, name: str, label: str, *, usual: bool) -> Tick:
        return Tick(label, self._document.get(name, usual), id=name, compact=True)

    def _line(self, name: str, value: str) -> ComposeResult:
        keys = [c.key for c in self.console.state.credentials or ()]
        names_key = name in KEY_FIELDS
        with Horizontal(classes="field", id=f"field-{name}"):
            yield Label(strings_services.FORM_LABELS[name], markup=False)
            yield Input(
                display_safe(value),
                placeholder=strings_services.FORM_PLACEHOLDERS.get(name, ""),
                compact=True,
                id=name,
                suggester=SuggestFromList(keys, case_sensitive=False) if names_key else None,
            )

    def _area(self, name: str, lines: list[str]) -> ComposeResult:
        with Horizontal(classes="field area", id=f"field-{name}"):
            yield Label(strings_services.FORM_LABELS[name], markup=False)
            yield TextArea(
                "\n".join(map(display_safe, lines)), compact=True, id=name, tab_behavior="focus"
            )

    def on_mount(self) -> None:
        """Start with the host."""
        self.query_one("#save", Button).disabled = self.console.state.read_only
        self.query_one("#host").focus()
        self._check()

    # --- checking -----------------------------------------------------------------------------

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Select.Changed)
    @on(Tick.Changed)
    def _check(self) -> None:
        """Show the fields of the auth type, and what is wrong."""
        used = dict(AUTH_FIELDS[self._auth_type])
        for name in _FIELDS:
            self.query_one(f"#field-{name}").display = name in used
        if not self._value("host"):
            self._say(strings_services.FORM_HOST_FIRST, "$muted")
            self.query_one("#winner", Static).update("")
            return
        try:
            document = self.document()
        except VaultError as error:
            self._say(f"✗ {error}", "$error")
            self.query_one("#winner", Static).update("")
            return
        self._advise(document)
        self._show_winner(document)

    def _advise(self, document: dict[str, Any]) -> None:
        known = self.console.state.credentials
        missing = [
            key
            for key in credential_keys(parse_service(document))
            if known is not None and key not in {c.key for c in known}
        ]
        if missing:
            self._say(strings_services.FORM_MISSING.format(keys=", ".join(missing)), "$warning")
        else:
            self._say(strings_services.FORM_VALID.format(name=document["name"]), "$success")

    def _show_winner(self, document: dict[str, Any]) -> None:
        url = self._value("test")
        others = [d for d in self.console.state.services or () if d.get("name") != document["name"]]
        text = explain([*others, document], url) if url.strip() else Content("")
        self.query_one("#winner", Static).update(text)

    def _say(self, text: str, style: str) -> None:
        self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))

    # --- the document -------------------------------------------------------------------------

    @property
    def _auth_type(self) -> AuthType:
        return AuthType(str(self.query_one("#auth", Select).value))

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def document(self) -> dict[str, Any]:
        """What the form says, whole and valid. Raises VaultError bad_request."""
        auth: dict[str, Any] = {"type": self._auth_type.value}
        for name, _ in AUTH_FIELDS[self._auth_type]:
            if name == "headers":
                auth[name] = headers_of_line(self._value(name))
            elif self._value(name):
                auth[name] = auth_value(name, self._value(name))
        draft: dict[str, Any] = {
            "host": self._value("host"),
            "auth": auth,
            "enabled": self.query_one("#enabled", Tick).value,
            "allow_http": self.query_one("#allow_http", Tick).value,
            "scrub": self.query_one("#scrub", Tick).value,
        }
        rules = rules_of_lines(self.query_one("#rules", TextArea).text)
        substitutions = substitutions_of_lines(self.query_one("#substitutions", TextArea).text)
        draft.update({"rules": rules} if rules else {})
        draft.update({"substitutions": substitutions} if substitutions else {})
        if self._value("gateway"):
            draft["gateway"] = gateway_of_line(self._value("gateway"))
        for name in ("failover", "capture"):  # not shown, and not lost
            if name in self._document:
                draft[name] = self._document[name]
        draft["name"] = self._value("name") or self._name_for(draft["host"])
        return service_document(parse_service(draft))

    def _name_for(self, pattern: str) -> str:
        host, slash, path = pattern.partition("/")
        taken = {str(d.get("name")) for d in self.console.state.services or ()}
        return auto_name(host.partition(":")[0] or "service", slash + path, taken)

    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        """Hand the document back."""
        if self.console.state.read_only:
            self._say(strings.WHY_READ_ONLY, "$warning")
            return
        try:
            document = self.document()
        except VaultError as error:
            self._say(f"✗ {error}", "$error")
            return
        self.dismiss(document)

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)
