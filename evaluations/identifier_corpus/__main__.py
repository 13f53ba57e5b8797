"""`python -m evaluations.identifier_corpus`."""

import sys

from evaluations.identifier_corpus.measure import main

main(sys.argv[1:])
