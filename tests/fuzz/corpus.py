"""What each target starts from: `corpus/TARGET.txt`, one input a line, escaped as in Python."""

from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def seeds(target: str) -> list[bytes]:
    """The inputs of a target; lines that begin with `#` are for people."""
    lines = (FOLDER / f"{target}.txt").read_text("ascii").splitlines()
    return [_unescaped(line) for line in lines if not line.startswith("#")]


def _unescaped(line: str) -> bytes:
    return line.encode("ascii").decode("unicode_escape").encode("latin-1")


def unpack(target: str, folder: Path) -> None:
    """Write each input into a file of its own, as libFuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (folder / f"seed-{number:03}").write_bytes(seed)
