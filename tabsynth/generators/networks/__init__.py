"""Neural generators: what a network sees of a table, how it is trained, and how rows come out of its weights."""
