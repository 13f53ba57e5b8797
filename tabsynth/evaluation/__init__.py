"""Evidence about a synthetic table: fidelity and leakage, each with an interval, a reference and a verdict."""

from tabsynth.evaluation.evaluate import Evaluation, evaluate_typed

__all__ = ["Evaluation", "evaluate_typed"]
