"""Releases that can be checked by others: keys, signatures over a whole folder, and what changed between two."""
