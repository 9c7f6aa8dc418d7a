"""Benchmarks: this proxy beside its peers in one run, reported as ratios."""
