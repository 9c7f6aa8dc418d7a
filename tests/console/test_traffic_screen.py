"""The traffic screen, key by key."""

import json
from pathlib import Path

import pytest
from textual.screen import ModalScreen

from proxy_core.domain.events import EventType
from tests.console.fake_worker import furnished, record, start_of
from tests.console.harness import console, running, text_of, until
from vault_tui.preferences import Preferences
from vault_tui.widgets.record_detail import RecordDetail
from vault_tui.widgets.traffic_view import TrafficView


async def test_the_log_is_there_at_the_start_and_live_rows_follow():
    """Rows of the log first, then what happens."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(
            pilot,
            lambda: "/repos/acme/site/issues/56" in text_of(app) or len(app.traffic.ring) == 60,
        )
        worker.finish(record(900, path="/fresh"))
        await until(pilot, lambda: "/fresh" in text_of(app))
        assert "following" in text_of(app)


async def test_a_request_under_way_is_completed_in_place():
    """One row, first without and then with its status."""
    worker = furnished()
    worker.log = []
    app = console(worker)
    async with running(app) as pilot:
        found = record(1, path="/slow", status=201)
        worker.emit(EventType.REQUEST_STARTED, start_of(found))
        await until(pilot, lambda: "···" in text_of(app))
        worker.finish(found)
        await until(pilot, lambda: " 201 " in text_of(app))
        assert text_of(app).count("/slow") == 1


async def test_a_replayed_request_is_marked_also_as_a_stream():
    """A glyph of its own before the service, which failures keep theirs against."""
    worker = furnished()
    worker.log = [
        record(1, path="/twice", retries=1, streaming=True),
        record(2, path="/lost", retries=1, status=502, decision="failed"),
    ]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: "/lost" in text_of(app))
        rows = {
            word: line
            for line in text_of(app).splitlines()
            for word in ("/twice", "/lost")
            if word in line
        }
        assert "↻ github" in rows["/twice"]
        assert "✗" in rows["/lost"]
        assert "↻" not in rows["/lost"]


async def test_a_held_request_says_so_until_it_is_answered():
    """In its row while it waits; afterwards the detail tells for how long it did."""
    worker = furnished()
    worker.log = []
    app = console(worker)
    async with running(app) as pilot:
        found = record(1, path="/transfer", status=201, held_ms=42_000.0)
        worker.emit(EventType.REQUEST_STARTED, start_of(found, "held"))
        await until(pilot, lambda: "▲ held" in text_of(app))
        worker.emit(EventType.REQUEST_STARTED, start_of(found))
        await until(pilot, lambda: "▲ held" not in text_of(app))
        worker.finish(found)
        await until(pilot, lambda: " 201 " in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "held for" in text_of(app) and "42 s" in text_of(app))
        assert text_of(app).count("/transfer") == 2


async def test_scrolling_up_stops_the_table_and_counts_new_rows():
    """Scrolled up, nothing moves under the reader."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.pause(0.2)
        await pilot.press("up")
        await pilot.pause(0.2)
        before = text_of(app).splitlines()[3:30]
        for number in range(100, 412):
            worker.finish(record(number, path="/later"))
        await until(pilot, lambda: "312 new ↓" in text_of(app))
        assert text_of(app).splitlines()[3:30] == before
        await pilot.press("f")
        await until(pilot, lambda: "/later" in text_of(app))


async def test_space_pauses_and_runs_again():
    """Pause is one key, both ways."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.press("space")
        worker.finish(record(500, path="/while-paused"))
        await until(pilot, lambda: "paused  1 new ↓" in text_of(app))
        assert "/while-paused" not in text_of(app)
        await pilot.press("space")
        await until(pilot, lambda: "/while-paused" in text_of(app))


async def test_a_filter_narrows_the_rows_and_survives_other_screens(tmp_path: Path):
    """It is applied while typing and kept with Enter; the history remembers it."""
    worker = furnished()
    app = console(worker, preferences=Preferences.load(tmp_path))
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.press("slash", *"method", "colon", *"DELETE", "enter")
        shown = app.traffic.ring
        await until(pilot, lambda: {row.record.method for row in shown.shown} == {"DELETE"})
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "credentials")
        await pilot.press("1")
        await until(pilot, lambda: "method:DELETE" in text_of(app))
        saved = ["method:DELETE"]
        await until(pilot, lambda: Preferences.load(tmp_path).filter_history == saved)
        await pilot.press("backspace")
        await until(pilot, lambda: len(app.traffic.ring.shown) == 60)


async def test_a_wrong_filter_shows_where_and_changes_nothing():
    """The mark stands under the column, all that is said is there to read; Escape undoes."""
    worker = furnished()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.press("slash", *"ci", "space", *"nosuchfield", "colon", "x")
        await until(pilot, lambda: "unknown field nosuchfield" in text_of(app))
        lines = text_of(app).splitlines()
        typed = next(number for number, line in enumerate(lines) if "nosuchfield:x" in line)
        assert lines[typed + 1].index("▲") == lines[typed].index("nosuchfield")
        assert "quotes to search" in " ".join(" ".join(lines).split())
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert app.screen.focused is not None
        assert app.screen.focused.id == "filter"
        await pilot.press("escape")
        await until(pilot, lambda: len(app.traffic.ring.shown) == 60)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_detail_tells_why_and_what_to_do(size: tuple[int, int]):
    """Decision, error code and remedy, wherever the pane goes."""
    worker = furnished()
    worker.log = [
        record(
            1, status=502, decision="failed", error_code="upstream_unreachable",
            reason="service github covers api.github.com",
        )
    ]  # fmt: skip
    app = console(worker)
    async with running(app, size) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 1)
        await pilot.pause(0.2)
        await pilot.press("enter")
        detail = app.screen.query_one(RecordDetail)
        await until(pilot, lambda: bool(detail.display))
        text = str(detail.query_one("#detail-text").content)  # type: ignore[attr-defined]
        for expected in (
            "upstream_unreachable",
            "Try later.",
            "Authorization",
            "GITHUB_TOKEN",
            "84 ms",
        ):
            assert expected in text
        assert app.screen.query_one(TrafficView).display == (size != (80, 24)) or size == (80, 24)
        await pilot.press("escape")
        await until(pilot, lambda: not detail.display)


async def test_the_row_whose_detail_is_read_stays_until_it_is_closed():
    """New rows wait meanwhile, its own end is shown; then the table follows again."""
    worker = furnished()
    worker.log = []
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        found = record(1, path="/read", status=201)
        worker.emit(EventType.REQUEST_STARTED, start_of(found))
        await until(pilot, lambda: "/read" in text_of(app))
        await pilot.press("enter")
        worker.finish(record(2, path="/later"))
        await until(pilot, lambda: "1 new ↓" in text_of(app))
        assert "TIMINGS" not in text_of(app)
        worker.finish(found)
        await until(pilot, lambda: "TIMINGS" in text_of(app) and "201" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "/later" in text_of(app) and "following" in text_of(app))


@pytest.mark.parametrize(("size", "back"), [((80, 24), "p"), ((120, 40), "up")])
async def test_the_page_keys_scroll_an_open_detail(size: tuple[int, int], back: str):
    """Also below the table, which keeps the arrows; another row is shown from its beginning."""
    worker = furnished()
    why = "service github covers api.github.com " * 30
    worker.log = [record(1, reason=why), record(2, reason=why)]
    app = console(worker)
    async with running(app, size) as pilot:
        await until(pilot, lambda: app.screen.query_one(TrafficView).cursor == 1)
        await pilot.press("enter")
        detail = app.screen.query_one(RecordDetail)
        await until(pilot, lambda: detail.max_scroll_y > 3 and "DECISION" in text_of(app))
        await pilot.press("pagedown")
        await until(pilot, lambda: "DECISION" not in text_of(app))
        await pilot.press(back)
        await until(pilot, lambda: "DECISION" in text_of(app))
        assert app.screen.query_one(TrafficView).cursor == 0


async def test_refreshes_of_the_vault_are_counted_on_top():
    """Those of the last five minutes, in words for one and for more."""
    worker = furnished()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        done = {"kind": "credential", "name": "GITLAB", "vault": "default"}
        worker.emit(EventType.REFRESH_SUCCEEDED, {**done, "vault": "other"})
        worker.emit(EventType.REFRESH_SUCCEEDED, done)
        await until(pilot, lambda: "1 refresh " in text_of(app))
        worker.emit(EventType.REFRESH_SUCCEEDED, done)
        await until(pilot, lambda: "2 refreshes" in text_of(app))


async def test_older_rows_page_in_when_scrolling_up():
    """The log is read a page at a time as the reader nears the top."""
    worker = furnished()
    worker.log = [record(number) for number in range(1, 701)]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 200)
        await pilot.pause(0.2)
        for expected in (400, 600, 700):
            await pilot.press("home")
            await until(pilot, lambda expected=expected: len(app.traffic.ring.shown) == expected)
        await pilot.press("home")
        view = app.screen.query_one(TrafficView)
        await until(pilot, lambda: view.row is not None and view.row.record.id == 1)


async def test_marks_can_be_found_again():
    """m marks, ' goes to the next mark."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.pause(0.2)
        view = app.screen.query_one(TrafficView)
        await pilot.press("up", "m")
        marked = view.cursor
        await pilot.press("home")
        await pilot.press("apostrophe")
        assert view.cursor == marked
        assert view.row is not None
        assert view.row.marked


async def test_export_writes_a_private_file_without_secrets(tmp_path: Path):
    """JSON lines, mode 0600; an existing file is never overwritten."""
    worker = furnished()
    app = console(worker)
    target = tmp_path / "rows.jsonl"
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.pause(0.2)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ModalScreen))
        app.screen.query_one("Input").value = str(target)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, target.exists)
        await until(pilot, lambda: target.read_text().count("\n") == 60)
    lines = target.read_text().splitlines()
    assert len(lines) == 60
    assert json.loads(lines[0])["host"]
    assert target.stat().st_mode & 0o777 == 0o600


async def test_copy_sends_a_curl_command_through_osc_52(monkeypatch: pytest.MonkeyPatch):
    """The command goes through the proxy and holds placeholders only."""
    worker = furnished()
    app = console(worker)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 60)
        await pilot.pause(0.2)
        await pilot.press("y")
        await until(pilot, lambda: bool(copied))
    assert copied[0].startswith('curl --proxy "$HTTPS_PROXY"')
    assert "https://" in copied[0]


async def test_why_asks_the_match_tester_about_the_row():
    """w shows the winner for the row's own URL."""
    worker = furnished()
    worker.log = [record(1)]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 1)
        await pilot.pause(0.2)
        await pilot.press("w")
        await until(pilot, lambda: "exact host" in text_of(app))
        asked = worker.asked("POST", "/v1/vaults/default/services/test")
        assert asked[-1].url == "https://api.github.com/repos/acme/site/issues/1"


async def test_a_service_is_made_from_a_row():
    """s fills the form with the row's host."""
    worker = furnished()
    worker.operator = True
    worker.log = [record(1, host="registry.acme.test", matched_service="", decision="unmatched")]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 1)
        await pilot.pause(0.2)
        await pilot.press("s")
        await until(pilot, lambda: "New service" in text_of(app))
        app.screen.query_one("#token").value = "UNUSED_KEY"  # type: ignore[attr-defined]
        await pilot.pause(0.1)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: any(s["host"] == "registry.acme.test" for s in worker.services))


async def test_denying_like_a_row_writes_a_rule_after_a_choice_and_a_confirmation():
    """x offers how much, marks nothing, then starts on Cancel; the rule stands before others."""
    worker = furnished()
    worker.operator = True
    worker.log = [record(1, method="DELETE", path="/repos/acme/site")]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: app.screen.query_one(TrafficView).row is not None)
        await pilot.press("x", "enter")
        await until(pilot, lambda: "every method on /repos/acme/site" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Write this rule?" in text_of(app))
        assert "github" in text_of(app).split("Write this rule?")[1]
        await pilot.press("enter")
        await until(pilot, lambda: "Write this rule?" not in text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: "every method on" in text_of(app))
        await pilot.press("down", "enter", "right", "enter")
        await until(pilot, lambda: bool(worker.services[-1].get("rules")))
        assert worker.services[-1]["name"] == "github"
        assert worker.services[-1]["rules"] == [
            {"methods": ["DELETE"], "path": "/repos/acme/site", "action": "deny"}
        ]


async def test_denying_like_a_row_keeps_what_others_have_changed_meanwhile():
    """The rule is written into the service as it is once confirmed, not as it was when asked."""
    worker = furnished()
    worker.operator = True
    worker.log = [record(1, method="DELETE", path="/repos/acme/site")]
    app = console(worker)
    theirs = {"methods": ["PUT"], "action": "ask"}
    async with running(app) as pilot:
        await until(pilot, lambda: app.screen.query_one(TrafficView).row is not None)
        await pilot.press("x")
        await until(pilot, lambda: "every method on /repos/acme/site" in text_of(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "Write this rule?" in text_of(app))
        next(one for one in worker.services if one["name"] == "github")["rules"] = [theirs]
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(worker.services[-1].get("rules", ())) == 2)
        assert worker.services[-1]["rules"][1] == theirs


async def test_what_no_rule_would_change_cannot_be_denied_again():
    """The key is greyed, and says why."""
    worker = furnished()
    worker.log = [record(1, decision="denied", status=403, error_code="method_not_allowed")]
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 1)
        await until(pilot, lambda: "(x deny…)" in text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: "it is denied already" in text_of(app))


async def test_an_empty_table_says_the_next_command():
    """Nobody is left in front of an empty screen."""
    worker = furnished()
    worker.log = []
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        await until(pilot, lambda: "vault-tui run -- claude" in text_of(app))


async def test_an_account_stands_in_its_column_with_the_reason_in_the_detail():
    """Where there is room; the detail tells why it was this one."""
    worker = furnished()
    reason = "default-first: the default account"
    worker.log.append(record(61, account="work", account_reason=reason))
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await until(pilot, lambda: "ACCOUNT" in text_of(app) and "work" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "account     work" in text_of(app))
        assert "because     default-first" in text_of(app)
