"""What each target starts from: `corpus/TARGET.txt`."""

from pathlib import Path

from tests.escaped import values

FOLDER = Path(__file__).parent / "corpus"


def seeds(target: str) -> list[bytes]:
    """The inputs of a target."""
    return values(FOLDER / f"{target}.txt")


def unpack(target: str, folder: Path) -> None:
    """Write each input into a file of its own, as libFuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (folder / f"seed-{number:03}").write_bytes(seed)
