"""Credentials that a command tells: seen for what they are, approved by what was shown."""

from collections.abc import Iterator
from typing import Any

from proxy_core.client.calls import Call
from proxy_core.domain import wire
from tests.console.fake_worker import FakeWorker, furnished
from tests.console.harness import console, running, text_of, until

KEY = "VAULTED_TOKEN"
ARGV = ["op", "read", "op://Work/it's/token"]
DIGEST = "ab" * 32


def info(**changes: Any) -> wire.CommandInfo:
    """What the worker says of it."""
    values: dict[str, Any] = {
        "key": KEY, "vault": "default", "argv": ARGV, "executable": "/usr/bin/op",
        "digest": DIGEST, "problem": "", "state": "unapproved", "ttl_seconds": 300,
        "timeout_seconds": 20, "json_path": "", "keep_newline": False,
        "env": ["OP_SERVICE_ACCOUNT_TOKEN"], "approved_by": "", "approved_at": "",
        "last_run_at": "", "last_error": "",
    }  # fmt: skip
    return wire.CommandInfo(**{**values, **changes})


class CommandWorker(FakeWorker):
    """A worker with one such credential more."""

    command = info()
    approved: tuple[str, ...] = ()

    async def send(self, call: Call[Any]) -> Any:
        """As the worker's own endpoints."""
        if call.path == f"/v1/credentials/{KEY}/command":
            return self.command
        if call.path == f"/v1/credentials/{KEY}/approve":
            assert isinstance(call.body, wire.ApproveCommand)
            self.approved += (call.body.digest,)
            return self.command
        return await super().send(call)


def worker() -> CommandWorker:
    """Furnished, and an operator's."""
    made = furnished()
    made.__class__ = CommandWorker
    assert isinstance(made, CommandWorker)
    made.operator = True
    made.oauth_credential(
        KEY, type="command", state="unapproved", command=ARGV, expires_at="", used_by=[]
    )
    return made


def steps_to_it() -> Iterator[str]:
    """From the list's top to its end."""
    yield "4"
    yield "G"


async def test_a_command_is_shown_and_approved_by_what_was_shown():
    """Enter alone approves nothing; the digest that goes out is that of what was on the screen."""
    asked = worker()
    app = console(asked)
    async with running(app) as pilot:
        await pilot.press(*steps_to_it())
        await until(pilot, lambda: "not approved" in text_of(app))
        await until(pilot, lambda: "COMMAND" in text_of(app))
        await pilot.press("A")
        await until(pilot, lambda: "Let the worker run this program" in text_of(app))
        shown = text_of(app)
        assert """op read 'op://Work/it'"'"'s/token'""" in shown
        assert "/usr/bin/op" in shown
        assert "OP_SERVICE_ACCOUNT_TOKEN" in shown
        await pilot.press("enter")
        await until(pilot, lambda: "Let the worker run" not in text_of(app))
        assert asked.approved == ()
        await pilot.press("A")
        await until(pilot, lambda: "Let the worker run this program" in text_of(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: asked.approved == (DIGEST,))


async def test_what_can_not_run_is_not_asked_about():
    """The reason is told instead."""
    asked = worker()
    asked.command = info(digest="", problem="The program is not found in the worker's PATH.")
    app = console(asked)
    async with running(app) as pilot:
        await pilot.press(*steps_to_it())
        await until(pilot, lambda: "COMMAND" in text_of(app))
        await pilot.press("A")
        await until(pilot, lambda: "not found in the worker" in text_of(app))
        assert asked.approved == ()


async def test_its_value_is_neither_set_nor_revealed():
    """Another type's keys say why not; hostile arguments stay text."""
    asked = worker()
    asked.oauth[KEY].command = ["op", "\x1b]0;x\x07\u202e"]
    app = console(asked)
    async with running(app) as pilot:
        await pilot.press(*steps_to_it())
        await until(pilot, lambda: "COMMAND" in text_of(app))
        assert "\\x1b]0;x\\x07\\u202e" in text_of(app)
        await pilot.press("V")
        await until(pilot, lambda: "never shown" in text_of(app))
