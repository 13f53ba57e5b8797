"""How well `tabsynth scan` tells identifiers from what looks like them: a corpus of 40 columns and more for each class.

    python -m evaluations identifier_corpus

makes the corpus from a seed, scans it column by column, and writes recall and precision for each of the eighteen Safe
Harbor classes to `evaluations/results/identifier_corpus.json`. Everything in it is invented; check digits are right
where the class has them. The corpus was written beside the detectors, and they were mended until they passed it: its
figures show what they are made for, not what they would reach on the table of a stranger. For that,
`python -m evaluations.identifier_corpus --tables FOLDER` scans every table in a folder as well, and writes the findings
(classes, shares, names of columns, no values), each judged, to `evaluations/results/identifier_tables.md`.
"""

from __future__ import annotations

from evaluations.identifier_corpus.measure import main as main
