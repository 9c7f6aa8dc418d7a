"""Whatever agents and upstreams send, the screen shows it and obeys none of it."""

import pytest

from tests.console.fake_worker import furnished, record, service
from tests.console.harness import console, running, text_of, until

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


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_text_is_shown_and_not_obeyed(text: str, size: tuple[int, int]):
    """In paths, hosts, agents, services, reasons and events; on every screen and in the detail."""
    worker = furnished()
    worker.log = [
        record(
            number, path=f"/{text}", host=f"h{text}", actor_name=text, matched_service=text,
            reason=text, method=text, error_code=text, credential_keys=(text,),
        )
        for number in range(1, 4)
    ]  # fmt: skip
    worker.services = [service(f"s{text}", f"h{text}", text)]
    worker.secrets = {f"K{text}": ["v"]}
    app = console(worker)
    async with running(app, size) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 3)
        worker.emit("service.changed", {"vault": "default", "name": text, "by": text})
        await pilot.pause(0.2)
        for keys in (("enter",), ("escape",), ("w",), ("escape",), ("2",), ("3",), ("enter",)):
            await pilot.press(*keys)
            await pilot.pause(0.05)
            shown = text_of(app)
            assert not any(ord(c) < 32 and c != "\n" for c in shown)
            assert not any(c in shown for c in "\x7f\x9b\u202e\u200b")
            width = max(len(line) for line in shown.splitlines())
            assert width <= size[0]
        for region_y in range(0, size[1], size[1] // 4):
            await pilot.click(offset=(size[0] // 3, region_y))
        assert app.is_running
