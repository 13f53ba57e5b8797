"""Reversible rewritings of columns after which a constraint holds by construction: one file per kind."""
