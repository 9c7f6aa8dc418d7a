"""Scrubbing without I/O: bytes of a response in, the same bytes without injected secrets out.

    spelling.py   how one character of a secret may be written: literal, %XX, \\u00XX, …
    pattern.py    one text to be found, as a sequence of such characters
    escapes.py    escapes of such characters: where they are; a quick look at a text without them
    engine.py     all patterns of a request's secrets: search, replace, hold back little
    coding.py     content codings taken off, a bounded piece at a time
    fields.py     what a request asks for and a response announces when its body will be scrubbed
    body.py       a body's reader around another one
    frames.py     WebSocket messages from the upstream

Text is replaced wherever it stands, in whatever type of body: nothing is parsed. Secrets shorter
than SHORTEST bytes are left alone, since ordinary text would match them.
"""

from proxy_core.mitm.scrub.engine import SHORTEST, Scrubber, Secret, compile_scrubber

__all__ = ["SHORTEST", "Scrubber", "Secret", "compile_scrubber"]
