"""The fuzz targets: their corpora hold, a moment finds nothing, and they see what is wrong."""

import importlib.util
import os
from pathlib import Path

import pytest

from proxy_core.mitm.http1 import chunked, fields
from proxy_core.mitm.scrub import Scrubber
from tests.fuzz import frames, requests, responses, scrubbing
from tests.fuzz.__main__ import run
from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS, load

SHORT_SECONDS = 1


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_holds(target: str) -> None:
    """What a run starts from, and whatever once failed, passes."""
    check = load(target)
    for seed in seeds(target):
        check(seed)


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_finds_nothing(target: str, tmp_path: Path) -> None:
    """Guided by coverage, from the corpus on, in a process of its own."""
    if importlib.util.find_spec("atheris") is None:
        assert "CI" not in os.environ, "atheris is not installed"
        pytest.skip("atheris has no build for this Python or system")
    assert run(target, SHORT_SECONDS, tmp_path) == 0


def test_a_lenient_length_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the core took the first of two lengths, the strict reader would not agree."""
    real = fields.declared_framing
    monkeypatch.setattr(
        "proxy_core.mitm.http1.request.declared_framing",
        lambda lengths, codings, minor, side: real(lengths[:1], codings, minor, side),
    )
    two = b"\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n"
    with pytest.raises(AssertionError, match="read as a message what is none"):
        requests.check(two)


def test_a_cut_body_that_looks_whole_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the end of a chunked body were written for the upstream, a cut would not show."""
    monkeypatch.setattr(chunked.ChunkedBody, "eof", lambda _body: b"0\r\n\r\n")
    cut = b"\nGET\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
    with pytest.raises(AssertionError, match="an answer was made up"):
        responses.check(cut)


class Forgetful:
    """Scrubs each piece by itself."""

    def __init__(self, scrubber: Scrubber) -> None:
        self.feed = scrubber.whole

    def flush(self) -> bytes:
        """Nothing was held back."""
        return b""


def test_a_secret_over_a_cut_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing were held back between pieces, a secret in two of them would leave."""
    monkeypatch.setattr(Scrubber, "stream", lambda scrubber: Forgetful(scrubber))
    with pytest.raises(AssertionError):
        scrubbing.check(b"\nsecret\nthe secret")
    with pytest.raises(AssertionError):
        frames.check(b"\n\x81\x0esk-live-0123xx")
