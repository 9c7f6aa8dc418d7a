"""Credentials that a command tells: approved by what they are, run with care, told by nobody."""

import asyncio
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import ResponseFacts
from proxy_core.services.application import Application
from proxy_core.services.audit.auditing import AuditQuery
from proxy_core.store import tables
from tests.external.test_process import until
from tests.services.commands.rig import (
    KEY,
    FakeOp,
    approved,
    ask,
    authorization,
    fake_op,
    with_service,
)
from tests.services.conftest import ADA, Opener, basic, events_of, facts, put_credentials


@pytest.fixture
def tool(tmp_path: Path) -> FakeOp:
    """A program that prints a secret."""
    return fake_op(tmp_path)


async def refusal(call: object) -> VaultError:
    """What the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_nothing_runs_before_an_operator_has_approved_it(app: Application, tool: FakeOp):
    """The refusal names the command that mends it; nothing was started."""
    token = await with_service(app)
    request = wire.SetCommand(argv=[str(tool.program), "read", "x"])
    info = await app.commands.set(KEY, request, ADA)
    assert (info.state, info.executable) == ("unapproved", str(tool.program))
    error = await refusal(ask(app, token))
    assert error.code == "command_failed"
    assert error.extra["remedy"] == f"vault-tui credential approve {KEY} --vault default"
    tried = await app.commands.test(KEY, "default")
    assert not tried.ok
    assert tool.runs == 0
    await app.commands.approve(KEY, wire.ApproveCommand(digest=info.digest), ADA)
    assert authorization(await ask(app, token)) == b"Bearer first-secret-value"
    assert tool.runs == 1
    assert [event.data["name"] for event in events_of(app, "credential.approved")] == [KEY]


async def test_a_change_takes_the_approval_away(app: Application, tool: FakeOp):
    """Even setting the same once more; and what was looked at is what gets approved."""
    token = await with_service(app)
    info = await approved(app, tool)
    again = wire.SetCommand(argv=[str(tool.program), "read", "other"])
    changed = await app.commands.set(KEY, again, ADA)
    assert (changed.state, changed.approved_by) == ("unapproved", "")
    assert (await refusal(ask(app, token))).code == "command_failed"
    stale = wire.ApproveCommand(digest=info.digest)
    assert (await refusal(app.commands.approve(KEY, stale, ADA))).code == "conflict"
    assert tool.runs == 0


async def test_another_file_behind_the_name_needs_another_approval(
    app: Application, tool: FakeOp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is run is the approved file, whatever PATH says later."""
    other = tmp_path / "other"
    other.mkdir()
    impostor = fake_op(other)
    impostor.prints("wrong-secret-value")
    token = await with_service(app)
    monkeypatch.setenv("PATH", str(tmp_path))
    info = await app.commands.set(KEY, wire.SetCommand(argv=["op"]), ADA)
    await app.commands.approve(KEY, wire.ApproveCommand(digest=info.digest), ADA)
    monkeypatch.setenv("PATH", f"{other}:{tmp_path}")
    assert authorization(await ask(app, token)) == b"Bearer first-secret-value"
    assert impostor.runs == 0


async def test_whoever_writes_to_the_database_approves_nothing(
    app: Application, tool: FakeOp, reopen: Opener
):
    """An approval counts for its own command only, in the vault's own sealing."""
    await with_service(app)
    await approved(app, tool)

    def forge(session: object) -> None:
        row = session.exec(tables.CommandCredential.__table__.select()).one()  # type: ignore[attr-defined]
        command = {**row.document, "argv": [str(tool.program), "evil"]}
        statement = tables.CommandCredential.__table__.update().values(document=command)  # type: ignore[attr-defined]
        session.execute(statement)  # type: ignore[attr-defined]

    await app._context.database.run(forge)
    app = await reopen()
    await app.keys.unseal_automatically()
    assert (await app.commands.show("default", KEY)).state == "unapproved"
    assert not (await app.commands.test(KEY, "default")).ok
    assert tool.runs == 0


async def test_a_program_that_others_can_change_is_not_run(app: Application, tool: FakeOp):
    """Neither approved nor, once it was, run."""
    await approved(app, tool)
    tool.program.chmod(0o777)
    shown = await app.commands.show("default", KEY)
    assert "can be changed by other users" in shown.problem
    assert shown.digest == ""
    tried = await app.commands.test(KEY, "default")
    assert "can be changed by other users" in tried.error
    request = wire.ApproveCommand(digest="0" * 64)
    assert (await refusal(app.commands.approve(KEY, request, ADA))).code == "bad_request"
    assert tool.runs == 0


async def test_many_requests_start_one_program_and_its_value_is_kept(
    app: Application, tool: FakeOp, clock: FakeClock
):
    """For its time; then the next request waits for another."""
    token = await with_service(app)
    await approved(app, tool, ttl_seconds=100)
    found = await asyncio.gather(*(ask(app, token) for _ in range(5)))
    assert {authorization(one) for one in found} == {b"Bearer first-secret-value"}
    assert tool.runs == 1
    clock.advance(79)
    await ask(app, token)
    await app.command_values.tick()
    assert tool.runs == 1
    tool.prints("second-secret-value")
    clock.advance(21)
    assert authorization(await ask(app, token)) == b"Bearer second-secret-value"
    assert tool.runs == 2


async def test_what_is_used_is_got_anew_ahead_of_time(
    app: Application, tool: FakeOp, clock: FakeClock
):
    """In the background, while requests have the value that still counts; unused, it lapses."""
    token = await with_service(app)
    await approved(app, tool, ttl_seconds=100)
    await ask(app, token)
    await ask(app, token)
    tool.prints("second-secret-value")
    clock.advance(85)
    assert authorization(await ask(app, token)) == b"Bearer first-secret-value"
    await settled(app)
    assert authorization(await ask(app, token)) == b"Bearer second-secret-value"
    clock.advance(85)
    await app.command_values.tick()
    await settled(app)
    assert tool.runs == 3
    clock.advance(200)
    await app.command_values.tick()
    await settled(app)
    assert tool.runs == 3


async def test_a_failure_is_told_redacted_and_not_repeated_at_once(
    app: Application, tool: FakeOp, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    """Operators see what it wrote to standard error, without the secrets that it was given; an
    agent, the list of credentials and events do not: it may hold what nothing recognises.
    """
    monkeypatch.setenv("OP_SERVICE_ACCOUNT_TOKEN", "ops-very-secret")
    token = await with_service(app)
    await approved(app, tool, env=["OP_SERVICE_ACCOUNT_TOKEN"])
    tool.does(
        "sys.stderr.write('not signed in with ' + os.environ['OP_SERVICE_ACCOUNT_TOKEN']"
        " + '\\x1b[31m'); sys.exit(6)"
    )
    error = await refusal(ask(app, token))
    assert "its exit status is 6. An operator looks at it" in error.detail
    assert "signed in" not in str(error.extra)
    said = (await app.commands.show("default", KEY)).last_error
    assert "its exit status is 6. It said: not signed in with [redacted]" in said
    assert "\x1b" not in said
    assert error.extra["remedy"] == f"vault-tui credential test {KEY} --vault default"
    await refusal(ask(app, token))
    assert tool.runs == 1
    (event,) = events_of(app, "credential.failed")
    assert "signed in" not in str(event.data)
    listed = (await app.credentials.list("default", KEY)).credentials or []
    assert (listed[0].state, listed[0].type) == ("failing", "command")
    assert "signed in" not in listed[0].last_error
    tool.prints("mended-secret-value")
    clock.advance(2)
    assert authorization(await ask(app, token)) == b"Bearer mended-secret-value"
    recovered = [event.data.get("change") for event in events_of(app, "credential.changed")]
    assert recovered[-1] == "recovered"


async def test_a_failing_command_does_not_take_away_a_value_that_counts(
    app: Application, tool: FakeOp, clock: FakeClock
):
    """It serves to its end."""
    token = await with_service(app)
    await approved(app, tool, ttl_seconds=100)
    await ask(app, token)
    tool.does("sys.exit(1)")
    clock.advance(90)
    await ask(app, token)
    await settled(app)
    assert authorization(await ask(app, token)) == b"Bearer first-secret-value"
    clock.advance(20)
    assert (await refusal(ask(app, token))).code == "command_failed"


async def test_a_401_has_an_old_value_got_anew_and_a_fresh_one_not(
    app: Application, tool: FakeOp, clock: FakeClock
):
    """Tried again only if there is another value, so that a program is not run for nothing."""
    token = await with_service(app)
    await approved(app, tool)
    access = app.broker.authenticate(basic(token))
    decision = app.broker.decide(access, facts())
    injection = await ask(app, token)
    refused = ResponseFacts(status=401, headers=(), repeatable=True)
    assert await app.broker.reconsider(decision, injection.loan, refused) is None
    clock.advance(60)
    assert await app.broker.reconsider(decision, injection.loan, refused) is None
    assert tool.runs == 2
    tool.prints("second-secret-value")
    clock.advance(60)
    retried = await app.broker.reconsider(decision, injection.loan, refused)
    assert retried is not None
    assert await app.broker.reconsider(retried, injection.loan, refused) is None
    assert authorization(await ask(app, token)) == b"Bearer second-secret-value"


async def test_a_sealed_vault_keeps_no_value_and_runs_nothing(app: Application, tool: FakeOp):
    """Sealing ends what runs; who waits is told."""
    token = await with_service(app)
    await approved(app, tool)
    await ask(app, token)
    tool.does("import time; time.sleep(60)")
    running = asyncio.ensure_future(app.commands.test(KEY, "default"))
    assert await until(lambda: tool.runs == 2)
    await app.keys.seal(ADA)
    assert not (await running).ok
    assert app.command_values._kept == {}
    assert (await refusal(app.commands.test(KEY, "default"))).code == "sealed"


async def test_a_credential_keeps_its_type(app: Application, tool: FakeOp):
    """Neither becomes the other; deleting one makes room."""
    await put_credentials(app, GITHUB_TOKEN="value")
    request = wire.SetCommand(argv=[str(tool.program)])
    assert (await refusal(app.commands.set(KEY, request, ADA))).code == "conflict"
    await app.credentials.delete(wire.DeleteCredentials(keys=[KEY]), ADA)
    await approved(app, tool)
    assert (await refusal(put_credentials(app, GITHUB_TOKEN="value"))).code == "conflict"
    await app.commands.test(KEY, "default")
    await app.credentials.delete(wire.DeleteCredentials(keys=[KEY]), ADA)
    assert (await refusal(app.commands.show("default", KEY))).code == "not_found"
    await app.command_values.tick()
    assert app.command_values._kept == {}


async def test_setting_and_approving_are_audited(app: Application, tool: FakeOp):
    """By whom, and what: an argument vector is no secret."""
    await approved(app, tool)
    page = await app.auditing.page(AuditQuery())
    told = {entry.action: entry for entry in page.entries}
    assert told["credential.command_set"].target == KEY
    assert told["credential.command_approved"].after["approved_by"] == "operator ada"


async def settled(app: Application) -> None:
    """No command runs."""
    for kept in list(app.command_values._kept.values()):
        if kept.running is not None:
            await asyncio.wait([kept.running])
