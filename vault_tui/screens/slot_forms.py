"""The forms of key slots: a new one, another password, and which of them open a new key."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from proxy_core.base.errors import VaultError
from proxy_core.domain.wire import SlotInfo
from vault_tui.screens.form import FormDialog, T
from vault_tui.screens.secret import SecretInput
from vault_tui.strings import gates as gate_words
from vault_tui.strings import settings as words
from vault_tui.widgets.setting_words import is_unattended, slot_name
from vault_tui.widgets.strength import strength
from vault_tui.widgets.tick import Tick

PASSWORD = "password"  # noqa: S105 - a slot's kind


@dataclass(frozen=True, slots=True)
class NewSlot:
    """What the form says; `path` is where a key file is to be made."""

    kind: str = PASSWORD
    label: str = ""
    secret: str = field(default="", repr=False)
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """`secrets` are passwords by slot id, `drop` the ids of slots that end with the old key."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    drop: tuple[str, ...] = ()
    leave_unreadable: bool = False


class _TwiceForm(FormDialog[T]):
    """A form with a new password: masked, typed twice, its strength told while it is typed."""

    def twice(self) -> Iterable[Widget]:
        """The two lines, and what is to be said of them."""
        yield self.secret("password", words.PASSWORD)
        yield self.secret("again", words.AGAIN)
        yield Static("", id="strength", markup=False)

    @on(Input.Changed, "#password")
    def _typed(self) -> None:
        found = strength(self.query_one("#password", SecretInput).secret)
        self.query_one("#strength", Static).update(found)

    def password(self) -> str:
        """Raises VaultError bad_request: nothing, or two that differ."""
        first, second = self.value("password"), self.value("again")
        if not first:
            raise VaultError("bad_request", gate_words.PASSWORD_EMPTY)
        if not second:
            self.query_one("#again").focus()
            raise VaultError("bad_request", words.TYPE_AGAIN)
        if first != second:
            self.query_one("#again", SecretInput).value = ""
            self.query_one("#again").focus()
            raise VaultError("bad_request", gate_words.DIFFERENT)
        return first


class SlotForm(_TwiceForm[NewSlot]):
    """`start` stands in the lines at first, but for its secret; `note` is what the worker said."""

    def __init__(self, start: NewSlot, note: str = "") -> None:
        keys = words.FORM_KEYS.format(verb=words.ADD_VERB)
        super().__init__(words.ADD_TITLE, keys, note or words.ADD_NOTE)
        self._start = start

    def fields(self) -> Iterable[Widget]:
        """Kind, name, and what the kind asks for."""
        yield self.choice("kind", words.ADD_KIND, words.KIND_CHOICES, self._start.kind)
        yield self.line("label", words.LABEL, words.LABEL_HINT, self._start.label)
        yield self.line("path", words.PATH, words.PATH_HINT, self._start.path)
        yield from self.twice()

    def on_mount(self) -> None:
        """Show what the kind asks for."""
        self._kind_chosen()

    @on(Select.Changed, "#kind")
    def _kind_chosen(self) -> None:
        kind = self.value("kind")
        asked = kind == PASSWORD
        self.reveal_lines({"password": asked, "again": asked, "path": kind == "keyfile"})
        self.query_one("#strength").display = asked
        elsewhere = kind == "keyfile" and not self.console.local
        self.complain(words.KEYFILE_ELSEWHERE if elsewhere else "", "$warning")

    def read(self) -> NewSlot:
        """Raises VaultError bad_request."""
        kind, label = self.value("kind"), self.value("label")
        if kind == PASSWORD:
            return NewSlot(kind, label, self.password())
        if kind != "keyfile":
            return NewSlot(kind, label)
        if not self.console.local:
            raise VaultError("bad_request", words.KEYFILE_ELSEWHERE)
        path = Path(self.value("path")).expanduser()
        if not path.is_absolute():
            raise VaultError("bad_request", words.PATH_MISSING)
        return NewSlot(kind, label, path=str(path))


class PasswordForm(_TwiceForm[str]):
    """Another password for a slot."""

    def __init__(self, slot: SlotInfo, note: str = "") -> None:
        title = words.CHANGE_TITLE.format(label=slot_name(slot))
        keys = words.FORM_KEYS.format(verb=words.CHANGE_VERB)
        super().__init__(title, keys, note or words.CHANGE_NOTE)

    def fields(self) -> Iterable[Widget]:
        """The new one, twice."""
        return self.twice()

    def read(self) -> str:
        """Raises VaultError bad_request."""
        return self.password()


class RotateForm(FormDialog[Rotation]):
    """A tick for each slot that shall open the new key; passwords are asked for."""

    def __init__(self, slots: Sequence[SlotInfo], start: Rotation, note: str = "") -> None:
        keys = words.FORM_KEYS.format(verb=words.ROTATE_VERB)
        super().__init__(words.ROTATE_TITLE, keys, words.ROTATE_NOTE)
        self._slots, self._start, self._problem = slots, start, note

    def fields(self) -> Iterable[Widget]:
        """The slots, and whether to go on without what is lost anyway."""
        yield self.heading(words.ROTATE_SLOTS)
        for number, slot in enumerate(self._slots):
            yield self._slot(number, slot)
        unreadable = Tick(
            words.ROTATE_UNREADABLE, self._start.leave_unreadable, id="unreadable", compact=True
        )
        yield Horizontal(unreadable, classes="field form-heading")

    def _slot(self, number: int, slot: SlotInfo) -> Widget:
        name = slot_name(slot).replace("[", "\\[")
        kept = slot.id not in self._start.drop
        tick = Tick(name, kept, id=f"slot-{number}", compact=True)
        what: Widget = SecretInput(f"secret-{number}")
        if isinstance(what, Input):
            what.placeholder = words.ROTATE_PASSWORD
        if is_unattended(slot):
            what = Static(Content.styled(words.ROTATE_READS, "$muted"))
        return Horizontal(tick, what, classes="field slot")

    def on_mount(self) -> None:
        """Without a password there is nothing to type: then the first tick has the keys."""
        if not self.query(Input):
            self.query(Tick).first().focus()
        self.complain(self._problem)

    def read(self) -> Rotation:
        """Raises VaultError bad_request."""
        secrets, drop = {}, []
        for number, slot in enumerate(self._slots):
            if not self.query_one(f"#slot-{number}", Tick).value:
                drop.append(slot.id)
            elif not is_unattended(slot):
                secrets[slot.id] = self._secret(number, slot)
        if len(drop) == len(self._slots):
            raise VaultError("bad_request", words.ROTATE_KEEP_ONE)
        return Rotation(secrets, tuple(drop), self.query_one("#unreadable", Tick).value)

    def _secret(self, number: int, slot: SlotInfo) -> str:
        found = self.query_one(f"#secret-{number}", SecretInput)
        if not found.secret:
            found.focus()
            raise VaultError("bad_request", words.ROTATE_NEEDS.format(label=slot_name(slot)))
        return found.secret
