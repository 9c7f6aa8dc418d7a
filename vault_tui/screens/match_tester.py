"""The match tester: a method and a URL, the winner and why. Nothing is sent upstream."""

from typing import Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from proxy_core.base.errors import ERRORS, VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.strings import services as strings_services
from vault_tui.widgets.record_detail import field
from vault_tui.widgets.words import plain, safe_lines


class MatchTester(Dialog[None]):
    """Asks the worker: the answer is what an agent would get."""

    def __init__(self, url: str, method: str) -> None:
        super().__init__(classes="dialog wide")
        self._url, self._method = url, method

    def compose(self) -> ComposeResult:
        """Method and URL in a line, the answer below."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings_services.TESTER_TITLE)
            window.border_subtitle = Content(strings_services.TESTER_KEYS)
            with Horizontal(classes="field"):
                yield Input(display_safe(self._method), compact=True, id="method")
                yield Input(
                    display_safe(self._url),
                    placeholder=strings_services.TESTER_PLACEHOLDER,
                    compact=True,
                    id="url",
                )
            yield Static("", id="answer", markup=False)

    def on_mount(self) -> None:
        """Answer what is there already."""
        self.query_one("#url").focus()
        if self._url:
            self._ask()

    @on(Input.Submitted)
    @on(Input.Changed)
    def _ask(self) -> None:
        # A callable, not a coroutine: one that is superseded before it starts needs no await.
        self.run_worker(cast("Any", self._test), exclusive=True, group="test")

    async def _test(self) -> None:
        url = self.query_one("#url", Input).value.strip()
        method = self.query_one("#method", Input).value.strip().upper() or "GET"
        if not url:
            return
        full = url if "://" in url else f"https://{url}"
        try:
            result = await self.console.send(
                calls.match_test(full, method, self.console.state.vault)
            )
            text = _answer(result)
        except VaultError as error:
            text = Content.styled(safe_lines(f"✗ {error}"), "$error")
        self.query_one("#answer", Static).update(text)


def _answer(result: wire.MatchResult) -> Content:
    refused = result.error_code is not None
    tone = "$error" if refused else "$success" if result.service else "$warning"
    glyph = "✗" if refused else "●" if result.service else "○"
    lines = [
        Content.assemble(
            (f"{glyph} ", f"{tone} bold"),
            plain(result.service or strings.NO_SERVICE, f"{tone} bold"),
            ("  ", ""),
            plain(strings.OUTCOMES.get(result.decision, result.decision), tone),
        ),
        field(strings.WHY, result.reason),
    ]
    if result.credential_keys:
        lines.append(field(strings.KEYS, ", ".join(result.credential_keys)))
    if result.missing_credentials:
        lines.append(
            field(strings_services.MISSING, ", ".join(result.missing_credentials), "$error")
        )
    if result.error_code:
        kind = ERRORS.get(result.error_code)
        lines.append(field(strings.CODE, result.error_code, "$error bold"))
        if kind is not None:
            lines.append(field(strings.REMEDY, kind.help))
    others = [c for c in result.candidates if c.name != result.service]
    if others:
        lines += [Content(""), Content.styled(strings_services.OTHERS, "$accent bold")]
    lines += [
        Content.assemble(
            ("○ ", "$muted"),
            plain(f"{c.name}  ", "bold"),
            plain(f"{c.host}  ", "$muted"),
            plain(c.reason, "$muted"),
        )
        for c in others[:8]
    ]
    return Content("\n").join(lines)
