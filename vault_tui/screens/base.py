"""What every screen is made of: the frame, its actions, and how it hears of changes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from vault_tui.actions import BY_ID, Action, actions_of, bindings
from vault_tui.registry import tabs
from vault_tui.state import ConsoleState, Link
from vault_tui.strings import common as strings
from vault_tui.widgets.chrome import HeaderLine, KeyBar, StatusLine, TabLine

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

T = TypeVar("T")

# The wide layout puts details beside the list, the tall one below it, the small one over it.
WIDTHS = [(0, "-small"), (100, "-medium"), (140, "-wide")]
HEIGHTS = [(0, "-low"), (32, "-tall")]


class ConsoleScreen(Screen[None]):
    """One mode of the console. Subclasses set `screen_id`, `body` and `do_…` methods."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    # Not Textual's first widget, which may be a hidden line: each screen says what has the keys.
    AUTO_FOCUS = ""
    screen_id = ""

    def __init_subclass__(cls, screen_id: str = "", **kwargs: Any) -> None:
        """Give the subclass the bindings of its scope."""
        if screen_id:
            cls.screen_id = screen_id
            own: list[BindingType] = [Binding("escape", "leave", show=False), *bindings(screen_id)]
            cls.BINDINGS = own
        super().__init_subclass__(**kwargs)

    @property
    def console(self) -> "ConsoleApp":
        """The application."""
        return cast("ConsoleApp", self.app)

    @property
    def state(self) -> ConsoleState:
        """What is known of the worker."""
        return self.console.state

    def body(self) -> Iterable[Widget]:
        """The widgets between the tabs and the status line."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The frame around `body`."""
        yield HeaderLine(self.state)
        yield TabLine(self.state, tabs(), self.screen_id)
        with Container(id="body"):
            yield from self.body()
        yield StatusLine(self.state)
        yield KeyBar()

    # --- changes ------------------------------------------------------------------------------

    def state_changed(self) -> None:
        """The worker, the link or the vault changed: draw the frame and what depends on it."""
        if not self.is_mounted:
            return
        for line in (HeaderLine, StatusLine):
            self.query_one(line).refresh()
        self.query_one("#body").set_class(self.state.link is Link.LOST, "stale")
        self.query_one(TabLine).say(self.note())
        self.show_keys()

    def note(self) -> Content:
        """What stands at the right of the tabs."""
        if self.state.link is Link.LOST:
            return Content.styled(strings.STALE, "$error bold")
        return Content("")

    def data_changed(self, kind: str) -> None:
        """A list of `kind` (credentials, services) was read afresh, or the vault was switched."""

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self.call_after_refresh(self.state_changed)

    # --- actions ------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Escape: close what is open on the screen."""

    def why_not(self, action: Action) -> str | None:  # noqa: ARG002 - for subclasses
        """Why `action` cannot run now, in one sentence; None when it can."""
        return None

    def show_keys(self) -> None:
        """Bring the key bar up to date."""
        keymap = self.console.preferences.keymap
        # Starting a worker stands there only when there is none.
        here = {"app.start"} if self.console.why_not(BY_ID["app.start"]) else set()
        shown = [
            a for a in actions_of(self.screen_id, "app") if a.bar and a.keys and a.id not in here
        ]
        shown.sort(key=lambda action: action.bar)
        self.query_one(KeyBar).show(
            [
                (a, keymap.get(a.id, a.keys[0]).split(",")[0], self.console.why_not(a) is None)
                for a in shown
            ]
        )


class Dialog(ModalScreen[T | None]):
    """A window over a screen. Escape closes it without a result."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    @property
    def console(self) -> "ConsoleApp":
        """The application."""
        return cast("ConsoleApp", self.app)

    def on_mount(self) -> None:
        """Lay it out for this terminal from the start: Textual does so after the first paint."""
        size = self.app.size
        for breakpoints, cells in ((WIDTHS, size.width), (HEIGHTS, size.height)):
            self.add_class([name for least, name in breakpoints if cells >= least][-1])

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def data_changed(self, kind: str) -> None:
        """As ConsoleScreen.data_changed."""
