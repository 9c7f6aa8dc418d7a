"""Coverage-guided fuzzing of everything that reads bytes from outside.

    inputs.py        how an input's bytes become pieces, values and text
    requests.py      heads and bodies of requests, through the core and out again
    responses.py     the same for responses
    placeholders.py  secrets put where placeholders stand
    frames.py        WebSocket frames, both ways
    scrubbing.py     secrets taken out of responses
    corpus.py        what each target starts from: kept small, and read by people

A target is a function of bytes that returns when what must hold does, and raises otherwise.
`make fuzz` runs them at length; the tests run each for a second. An input that ever failed
goes into the corpus.
"""
