"""The frame in a small terminal: what gives way, and what stays."""

import pytest

from tests.console.fake_worker import furnished
from tests.console.harness import console, running, text_of, until
from vault_tui.registry import SCREENS, tabs
from vault_tui.widgets.chrome import shortened


@pytest.mark.parametrize("here", [entry.id for entry in SCREENS])
def test_tabs_keep_the_present_title_and_every_key(here: str):
    """The longest of the others give letters, none so many that it can't be told."""
    found = shortened(tabs(), here, 78)
    titles = {entry.id: entry.title for entry in SCREENS}
    assert [key for _, key, _ in found] == [str(n) for n in range(1, len(SCREENS) + 1)]
    assert sum(len(key) + len(title) + 2 for _, key, title in found) < 78
    for screen_id, _, title in found:
        assert titles[screen_id].startswith(title)
        assert len(title) == len(titles[screen_id]) if screen_id == here else len(title) >= 4


async def test_a_narrow_key_bar_shows_what_works_now():
    """Keys that do nothing now give way first; palette and command line need no label."""
    worker = furnished()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "enter edit" in text_of(app))
        bar = text_of(app).splitlines()[-1]
        assert "y yaml" in bar
        assert "ctrl+p  :  q quit" in bar
        worker.services.clear()
        app.sync.reload("services")
        await until(pilot, lambda: "enter edit" not in text_of(app).splitlines()[-1])
        assert "o hosts seen" in text_of(app).splitlines()[-1]


async def test_a_small_header_gives_up_the_product_before_the_operator():
    """Who may change things is never cut."""
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        assert "Vault TUI" in text_of(app).splitlines()[0]
        worker.hold(1)
        await until(pilot, lambda: "1 held" in text_of(app).splitlines()[0])
        app.state.vault, app.state.slow = "v" * 24, True
        app.refresh_frame()
        await until(pilot, lambda: "slow" in text_of(app).splitlines()[0])
        header = text_of(app).splitlines()[0]
        assert "Vault TUI" not in header
        assert "● operator" in header


async def test_without_colours_the_terminal_s_own_are_left(monkeypatch: pytest.MonkeyPatch):
    """Neither text nor ground is painted: black on black is what a painted default would be."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(furnished())
    async with running(app, (80, 24)):
        styles = [
            segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        ]
        colours = [c for style in styles for c in (style.color, style.bgcolor) if c is not None]
        assert colours
        assert all(colour.is_default for colour in colours)
        assert any(style.reverse for style in styles)
