"""Prometheus's text format, version 0.0.4: families of samples, one a line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MEDIA_TYPE = "text/plain; version=0.0.4"
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Kind(StrEnum):
    """What a family's numbers do: a counter only grows, until the worker starts anew."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, and what tells it from its family's others."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        labels = ",".join(
            f'{name}="{value.translate(_ESCAPES)}"' for name, value in self.labels.items()
        )
        return (f"{{{labels}}}" if labels else "") + f" {self.value}"


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name. `help` is one line without a backslash."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def exposition(families: Iterable[Family]) -> str:
    """The document that Prometheus scrapes."""
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines.extend(f"{family.name}{sample}" for sample in family.samples)
    return "\n".join([*lines, ""])
