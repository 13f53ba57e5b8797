"""Known-bad and known-good releases, to learn what a policy catches before a real release depends on it."""

from tabsynth.evaluation.canaries.suite import Finding, Trial, Trials, try_canaries

__all__ = ["Finding", "Trial", "Trials", "try_canaries"]
