"""The targets by name; as a program, libFuzzer's loop over one of them."""

import importlib
import sys

from tests.fuzz.inputs import Check

TARGETS = ("requests", "responses", "placeholders", "frames", "scrubbing")


def load(target: str) -> Check:
    """The function of that name."""
    check: Check = importlib.import_module(f"tests.fuzz.{target}").check
    return check


def main() -> None:
    """Never returns: libFuzzer ends the process. Arguments: the target, then libFuzzer's own."""
    import atheris  # type: ignore[import-untyped] # ships no types

    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["proxy_core.mitm", "proxy_core.domain"]):
        check = load(name)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
