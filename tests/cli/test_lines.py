"""Lines of standard input, and what may come before them."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from proxy_core.base.errors import VaultError
from vault_tui.cli.lines import MAX_LINE_BYTES, Lines


class Pipe:
    """Something to write lines to."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def write(self, data: bytes) -> None:
        os.write(self.writer, data)

    def end(self) -> None:
        writer, self.writer = self.writer, -1
        os.close(writer)

    def close(self) -> None:
        os.close(self.reader)
        if self.writer >= 0:
            self.end()


@pytest.fixture
def stdin() -> Iterator[Pipe]:
    """Standard input."""
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def wake() -> Iterator[Pipe]:
    """What else is waited for."""
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_lines_one_by_one(stdin: Pipe) -> None:
    """Without blanks around them, whatever their ends, and none for empty ones."""
    stdin.write(b"first\r\n\n  second \nlast")
    stdin.end()
    lines = Lines(stdin.reader)
    assert [lines.next() for _ in range(4)] == ["first", "second", "last", None]


def test_a_line_that_comes_in_parts(stdin: Pipe) -> None:
    """It is waited for as a whole."""
    lines = Lines(stdin.reader)
    stdin.write(b"one ")
    threading.Timer(0.05, stdin.write, (b"line\nmore\n",)).start()
    assert lines.next() == "one line"
    assert lines.next() == "more"


def test_what_wakes_comes_first(stdin: Pipe, wake: Pipe) -> None:
    """The wait ends without a line, and a line that was begun is kept."""
    lines = Lines(stdin.reader)
    stdin.write(b"half")
    threading.Timer(0.05, wake.end).start()
    assert lines.next(wake.reader) is None
    stdin.write(b" a line\n")
    assert lines.next() == "half a line"


def test_a_signal_ends_a_wait_that_it_did_not_interrupt(stdin: Pipe) -> None:
    """It came just before the wait began, say, or another thread was given it."""

    class Interrupted(Exception):
        """What the handler raises."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        threading.Timer(0.05, signal.raise_signal, (signal.SIGUSR1,)).start()
        with pytest.raises(Interrupted):
            Lines(stdin.reader).next()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_input_that_has_ended(stdin: Pipe, wake: Pipe) -> None:
    """There is no more to wait for, whatever else may come; what was left of a line is given."""
    stdin.write(b"the rest")
    stdin.end()
    lines = Lines(stdin.reader)
    assert lines.next(wake.reader) == "the rest"
    assert lines.next(wake.reader) is None
    assert lines.ended


def test_a_terminal_that_has_gone(wake: Pipe) -> None:
    """It is an input that has ended."""
    master, slave = os.openpty()
    os.close(master)
    try:
        wake.end()
        lines = Lines(slave)
        assert lines.next() is None
        assert lines.next(wake.reader) is None
    finally:
        os.close(slave)


@pytest.mark.parametrize("data", [b"\xff\xfe\n", b"x" * (MAX_LINE_BYTES + 1)])
def test_what_is_no_line(stdin: Pipe, data: bytes) -> None:
    """Not UTF-8, or without end: refused, and nothing of it is repeated."""
    writing = threading.Thread(target=lambda: _write_all(stdin, data))
    writing.start()
    with pytest.raises(VaultError) as caught:
        Lines(stdin.reader).next()
    writing.join(30)
    assert "xx" not in str(caught.value)


def _write_all(pipe: Pipe, data: bytes) -> None:
    while data:
        data = data[os.write(pipe.writer, data) :]
