"""The table of `make bench`: ratios first, since they hold where absolute figures don't."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OURS = "vault-tui"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. A text in place of a figure says why there is none."""

    title: str
    figures: Mapping[str, float | str]
    higher_is_better: bool


def foreign_load() -> float:
    """Load average of the last minute before the runs: what others did to this machine."""
    return os.getloadavg()[0]


def print_report(
    rows: Sequence[Row], peers: Sequence[str], missing: Mapping[str, str], load_before: float
) -> None:
    """Markdown on standard output, ready for the README."""
    others = [peer for peer in peers if peer != OURS]
    print(f"{os.cpu_count()} cores; load average before the runs {load_before:.2f}")
    for peer, reason in missing.items():
        print(f"could not start {peer}: {reason}")
    heads = ["measurement", *(f"x {peer}" for peer in others), *peers, "better is"]
    print("\n| " + " | ".join(heads) + " |")
    print("| --- |" + " ---: |" * (len(heads) - 2) + " --- |")
    for row in rows:
        cells = [row.title, *(ratio(row, peer) for peer in others)]
        cells += [shown(row.figures.get(peer, "")) for peer in peers]
        print("| " + " | ".join([*cells, "higher" if row.higher_is_better else "lower"]) + " |")


def ratio(row: Row, peer: str) -> str:
    """Ours divided by the peer's."""
    ours, theirs = row.figures.get(OURS), row.figures.get(peer)
    if not isinstance(ours, float | int) or not isinstance(theirs, float | int) or not theirs:
        return ""
    return f"{ours / theirs:.2f}"


def shown(figure: float | str) -> str:
    """Three significant digits, or the reason why there is no figure."""
    if isinstance(figure, str):
        return figure
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
