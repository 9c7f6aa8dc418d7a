"""Tables and fields on stdout."""

import json

import pytest

from proxy_core.domain.wire import Health
from vault_tui.cli import output


def test_text_from_outside_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that holds an escape sequence is shown, not obeyed."""
    output.emit_table(["NAME"], [["\x1b]52;c;evil\x07"]], "none")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b" in shown


def test_columns_line_up_with_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Cells are measured in screen cells, not in characters."""
    output.emit_table(["A", "B"], [["日本", "x"], ["abcd", "y"]], "none")
    _, wide, plain = capsys.readouterr().out.splitlines()
    assert wide == "日本  x"
    assert plain == "abcd  y"


def test_a_table_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With COLUMNS set, long cells are cut with an ellipsis; the widest column gives way first."""
    monkeypatch.setenv("COLUMNS", "80")
    output.emit_table(["NAME", "HOST"], [["short", "h" * 200]], "none")
    row = capsys.readouterr().out.splitlines()[1]
    assert len(row) == 80
    assert row.startswith("short  hhh")
    assert row.endswith("…")


def test_a_pipe_gets_whole_values(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks, nothing is cut."""
    monkeypatch.delenv("COLUMNS", raising=False)
    output.emit_table(["HOST"], [["h" * 200]], "none")
    assert "h" * 200 in capsys.readouterr().out


def test_an_empty_table_speaks_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A script that reads stdout gets nothing; a person gets a sentence."""
    output.emit_table(["NAME"], [], "No vaults.")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "No vaults.\n"


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on a terminal can't steer it either."""
    output.emit_json(Health(status="ok\x1b\u202e"))
    shown = capsys.readouterr().out
    assert shown.isascii()
    assert "\x1b" not in shown
    assert json.loads(shown) == {"status": "ok\x1b\u202e"}


def test_no_style_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Colour needs a terminal."""
    output.emit(output.styled("x", "red"))
    assert capsys.readouterr().out == "x\n"


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch, no_color: str) -> None:
    """On a terminal there is colour, unless NO_COLOR says otherwise."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b" in output.styled("x", "red")) is (no_color == "")
