"""Generators of others, run as their users run them: each in an environment of its own, by a script in a subprocess."""
