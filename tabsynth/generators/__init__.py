"""Generators: parameters that fit a table, and models that sample rows."""
