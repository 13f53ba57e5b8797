"""Benchmarks: what is claimed, measured by a command whose results are committed beside it."""
