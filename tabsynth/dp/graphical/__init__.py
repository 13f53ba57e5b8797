"""Graphical models of discrete tables: fitted to noisy counts, asked for marginals, sampled row by row."""
