"""`python -m evaluations.identifier_corpus`."""

from evaluations.identifier_corpus.measure import main

main()
