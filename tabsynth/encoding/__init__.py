"""Columns as codes and numbers that a generator learns from, and back."""
