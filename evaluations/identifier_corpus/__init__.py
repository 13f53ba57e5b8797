"""How well `tabsynth scan` tells identifiers from what looks like them: a corpus of 40 columns and more for each class.

    python -m evaluations identifier_corpus

makes the corpus from a seed, scans it column by column, and writes recall and precision for each of the eighteen Safe
Harbor classes to `evaluations/results/identifier_corpus.json`. Everything in it is invented; check digits are right where
the class has them. With `--tables FOLDER` every table in a folder is scanned as well, and the findings (classes, counts,
names of columns, no values) are written to `evaluations/results/identifier_tables.md`.
"""

from __future__ import annotations

from evaluations.identifier_corpus.measure import main as main
