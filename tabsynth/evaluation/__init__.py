"""Evidence about a synthetic table: fidelity and leakage, each with an interval, a reference and a verdict."""
