"""Proposals that attack whoever reads them: shown whole, obeyed in nothing."""

from tests.console.fake_worker import furnished
from tests.console.harness import console, running, text_of, until
from tests.console.proposal_samples import hostile
from tests.console.test_hostile_text import check
from vault_tui.widgets.fitted import FittedText


async def test_a_hostile_proposal_is_shown_and_not_obeyed():
    """Everywhere: list, detail, whole screen, dialogs, toast; and it scrolls to its end."""
    size = (80, 24)
    worker = furnished()
    worker.operator = True
    app = console(worker)
    async with running(app, size) as pilot:
        worker.propose(**hostile(), by="agent \x1b]0;x\x07[@click=app.quit]evil[/]")
        await pilot.press("2")
        await until(pilot, lambda: "xn--githb-w2a.com" in text_of(app))
        check(app, size)
        await pilot.press("enter")
        await pilot.pause()
        detail = app.screen.query_one("#detail")
        seen: set[str] = set()
        while True:
            await pilot.pause()
            check(app, size)
            seen.update(text_of(app).splitlines())
            if detail.scroll_y >= detail.max_scroll_y:
                break
            detail.scroll_relative(y=size[1] - 8, animate=False)
        shown = " ".join("".join(seen).split())
        for text in ("KEY_9", "[@click=app.quit]approve[/]", "\\x1b]52;c", "\\u202e", "w" * 60):
            assert text in shown
        for line in seen:
            assert not line.strip().startswith(("RISKS ·", "[red]"))
        for y in range(0, size[1], 6):
            await pilot.click(offset=(size[0] // 3, y))
        for key in ("a", "pagedown", "escape", "x", "escape"):
            await pilot.press(key)
            await pilot.pause()
            check(app, size)
        assert not worker.proposals.applied
        assert app.is_running


async def test_every_line_of_what_an_agent_says_stands_behind_a_bar():
    """A text cannot be made to look like the console's own words."""
    worker = furnished()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        worker.propose(**hostile())
        await pilot.press("2")
        await until(pilot, lambda: "RISKS" in text_of(app))
        plain = str(app.screen.query_one(FittedText).render()).splitlines()
        start = next(n for n, line in enumerate(plain) if line.startswith("THE AGENT'S WORDS"))
        said = [line for line in plain[start:] if line and not line.startswith("THE AGENT'S")]
        assert len(said) > 60
        assert all(line.startswith("│") for line in said)
        risks = plain[:start]
        assert any("letters beyond ASCII" in line for line in risks)
        assert any("IP address" in line for line in risks)
        assert any("characters that steer a terminal" in line for line in risks)
