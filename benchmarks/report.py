"""The table of `make bench`: ratios first, since they hold where absolute figures don't."""

import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Figure = float | str
"""A text in place of a figure says why there is none."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a row's ratio, or with `figure` on our own figure."""

    bound: float
    at_least: bool = False
    figure: bool = False

    def met_by(self, row: "Row") -> bool | None:
        """None when there is nothing to compare."""
        value = row.ours if self.figure else row.ratio
        if not isinstance(value, int | float):
            return None
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {'' if self.figure else 'x'}{self.bound:g}"


def at_least(ratio: float) -> Target:
    """Our figure is to be so many times the other, or more."""
    return Target(ratio, at_least=True)


def at_most(ratio: float) -> Target:
    """Our figure is to be so many times the other, or less."""
    return Target(ratio)


def within(figure: float) -> Target:
    """Our figure is to be at most this."""
    return Target(figure, figure=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: our figure `against` another one; alone, `theirs` is None."""

    title: str
    ours: Figure
    against: str = ""
    theirs: Figure | None = None
    target: Target | None = None
    ratio: float | None = None


def compared(
    title: str, ours: Figure, against: str, theirs: Figure, target: Target | None = None
) -> Row:
    """A row whose ratio is our figure divided by theirs."""
    ratio = None
    if isinstance(ours, int | float) and isinstance(theirs, int | float) and theirs:
        ratio = ours / theirs
    return Row(title, ours, against, theirs, target, ratio)


def paired(
    title: str, pairs: Sequence[tuple[float, float]], against: str, target: Target | None = None
) -> Row:
    """A row of runs that took turns: the median of the ratios of neighbours counts."""
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    return Row(title, ours, against, theirs, target, ratio)


def print_report(rows: Iterable[Row], missing: Iterable[str], load_before: float) -> None:
    """Markdown on standard output, ready for the README; rows are printed as they come."""
    print(f"{os.cpu_count()} cores; load average before the runs {load_before:.2f}")
    print("\n| ratio | target | met | measurement | against | figure | other |", flush=True)
    print("| ---: | ---: | --- | --- | --- | ---: | ---: |", flush=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        figures = shown(row.ours), shown(row.theirs)
        cells = [ratio, *_judged(row), row.title, row.against, *figures]
        print("| " + " | ".join(cells) + " |", flush=True)
    for reason in missing:
        print(f"\ncould not start {reason}")
    print(f"\nload average after the runs {foreign_load():.2f}")


def _judged(row: Row) -> tuple[str, str]:
    """The target, and whether it is met."""
    if row.target is None:
        return "", ""
    met = row.target.met_by(row)
    return str(row.target), "" if met is None else ("yes" if met else "NO")


def foreign_load() -> float:
    """Load average of the last minute: before the runs, what others do to this machine."""
    return os.getloadavg()[0]


def shown(figure: Figure | None) -> str:
    """Three significant digits, or the reason why there is no figure."""
    if figure is None or isinstance(figure, str):
        return figure or ""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
