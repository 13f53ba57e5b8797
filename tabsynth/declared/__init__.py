"""Rows from declarations alone: what `tabsynth mock` makes, without any data."""
