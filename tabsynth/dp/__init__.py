"""Differential privacy: measure once through a boundary that charges for every look, then generate for ever."""
