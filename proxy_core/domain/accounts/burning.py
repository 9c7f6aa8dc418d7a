"""How fast a window is used up, from what was told of it over time."""

from collections.abc import Sequence
from dataclasses import dataclass

SPACING = 30.0
"""Seconds between two samples that are kept."""
MAX_SAMPLES = 64
SHORTEST = 60.0
"""Seconds that samples must span before they say something."""
_DROP = 1e-9


@dataclass(frozen=True, slots=True)
class Sample:
    """`used` share at a time (epoch seconds)."""

    at: float
    used: float


def with_sample(samples: tuple[Sample, ...], sample: Sample) -> tuple[Sample, ...]:
    """Add one. A share that fell means a new window: what was before counts no more."""
    if samples and sample.used < samples[-1].used - _DROP:
        return (sample,)
    if samples and sample.at < samples[-1].at:
        return samples
    if len(samples) > 1 and sample.at - samples[-2].at < SPACING:
        return (*samples[:-1], sample)
    return (*samples, sample)[-MAX_SAMPLES:]


def burn_rate(samples: Sequence[Sample]) -> float | None:
    """Share used per second; None while the samples say too little."""
    if len(samples) < 2:
        return None
    span = samples[-1].at - samples[0].at
    return (samples[-1].used - samples[0].used) / span if span >= SHORTEST else None


def time_to_empty(samples: Sequence[Sample], now: float) -> float | None:
    """Seconds until nothing is left at this rate; None when it is not being used up."""
    rate = burn_rate(samples)
    if rate is None or rate <= 0:
        return None
    left = max(0.0, 1.0 - samples[-1].used) / rate
    return max(0.0, left - (now - samples[-1].at))
