"""Whatever agents and upstreams send, the screen shows it and obeys none of it."""

import pytest

from tests.console.fake_worker import furnished, record, service
from tests.console.harness import console, running, text_of, until
from vault_tui.app import ConsoleApp

HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[2J\x1b[H",
    "[@click=app.quit]x[/]",
    "[red]x[/red]",
    "a\u202eb",
    "a\u200bb",
    "\r\n\tx",
    "\x9b31m",
    "[/nope]",
)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_text_is_shown_and_not_obeyed(size: tuple[int, int]):
    """In paths, hosts, agents, services, reasons and events; on every screen and in the detail."""
    worker = furnished()
    worker.log = [
        record(
            number, path=f"/{text}", host=f"h{text}", actor_name=text, matched_service=text,
            reason=text, method=text, error_code=text, credential_keys=(text,),
        )
        for number, text in enumerate(HOSTILE, 1)
    ]  # fmt: skip
    worker.services = [service(f"s{text}", f"h{text}", text) for text in HOSTILE]
    worker.secrets = {f"K{text}": ["v"] for text in HOSTILE}
    app = console(worker)
    async with running(app, size) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == len(HOSTILE))
        for text in HOSTILE:
            worker.emit("service.changed", {"vault": "default", "name": text, "by": text})
            await pilot.pause()
            check(app, size)
        for key in ("enter", *["up"] * len(HOSTILE), "escape", "w", "escape", "4", "5", "enter"):
            await pilot.press(key)
            check(app, size)
        for region_y in range(0, size[1], size[1] // 4):
            await pilot.click(offset=(size[0] // 3, region_y))
        assert app.is_running


def check(app: ConsoleApp, size: tuple[int, int]) -> None:
    """Nothing on the screen can act, and nothing moves what stands beside it."""
    shown = text_of(app)
    assert not any(ord(c) < 32 and c != "\n" for c in shown)
    assert not any(c in shown for c in "\x7f\x9b\u202e\u200b")
    assert max(len(line) for line in shown.splitlines()) <= size[0]
